import { ObjectStoreError } from './errors.ts'

/** In UTF-8. Well below what a request line may hold, and two bytes of length suffice in the header. */
export const MAX_KEY_BYTES = 512

/**
 * Storage never makes a path of a key (see `disk-storage.ts`), so this is not what keeps a request inside
 * the folder. It refuses names that some proxy, shell or log between here and there would read differently.
 *
 * @throws {ObjectStoreError} `ERR_OBJECT_KEY_INVALID`
 */
export function checkObjectKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  const refused =
    bytes === 0 || bytes > MAX_KEY_BYTES || key === '.' || key === '..' || /[/\\\p{Cc}]/u.test(key)
  if (refused) throw new ObjectStoreError('ERR_OBJECT_KEY_INVALID', 'The object key is not a valid name')
}
