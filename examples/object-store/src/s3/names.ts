import { MAX_HEADER_KEY_BYTES } from '../object-header.ts'
import { S3Error } from './s3-error.ts'

/** First segments of paths that this server has for other things. */
const TAKEN: ReadonlySet<string> = new Set(['objects', 'health', 'healthz', 'readyz', 'metrics'])

/**
 * S3's rules for general purpose buckets, which also make a name one of a folder.
 *
 * @throws {S3Error} `InvalidBucketName`
 */
export function checkBucketName(name: string): void {
  const valid = /^[a-z0-9](\.?[a-z0-9-])*$/.test(name) && /^.{3,63}$/.test(name) && !name.endsWith('-')
  if (!valid || TAKEN.has(name)) throw new S3Error('InvalidBucketName', 'The bucket name is not valid')
}

/**
 * Storage makes no path of a key, so this is not what keeps it inside its folder. It refuses names that a
 * client or proxy tidies up (`a/../b`), or that no XML can hold.
 *
 * @throws {S3Error} `KeyTooLongError`, `InvalidArgument`
 */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > MAX_HEADER_KEY_BYTES)
    throw new S3Error('KeyTooLongError', 'The key is too long')
  const refused =
    key === '' || /[\p{Cc}\uFFFE\uFFFF]/u.test(key) || key.split('/').some(part => /^\.\.?$/.test(part))
  if (refused) throw new S3Error('InvalidArgument', 'The key is not a valid name')
}
