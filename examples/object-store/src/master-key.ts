import { randomBytes } from 'node:crypto'

/** @throws {TypeError} where it is not 64 hex digits; the message does not repeat a secret into a log */
export function parseMasterKey(hex: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new TypeError('OBJECT_STORE_KEY must be 64 hex digits')
  return Buffer.from(hex, 'hex')
}

/**
 * The key that the environment has, or one of this process alone, by which nobody else reads what it stores.
 *
 * @throws as {@link parseMasterKey} does
 */
export function masterKeyOf({ OBJECT_STORE_KEY: key }: NodeJS.ProcessEnv): Buffer {
  return key === undefined ? randomBytes(32) : parseMasterKey(key)
}
