import { randomBytes } from 'node:crypto'
import { ObjectStoreError } from './errors.ts'
import { MAX_KEY_BYTES } from './object-key.ts'

/** What stands before an object's frames, in the clear: magic | salt | plaintext bytes | key bytes | key. */
export interface ObjectHeader {
  readonly key: string
  /** Of plaintext. */
  readonly bytes: number
  readonly salt: Buffer
  /** Every frame authenticates these bytes, and by them the object's key and size. */
  readonly encoded: Buffer
}

const MAGIC = Buffer.from('POS1')
const SALT_AT = MAGIC.length
const BYTES_AT = SALT_AT + 32
const KEY_BYTES_AT = BYTES_AT + 6
const KEY_AT = KEY_BYTES_AT + 2

export const MAX_HEADER_BYTES = KEY_AT + MAX_KEY_BYTES

export function createHeader(key: string, bytes: number): ObjectHeader {
  const salt = randomBytes(BYTES_AT - SALT_AT)
  const encoded = Buffer.alloc(KEY_AT + Buffer.byteLength(key))
  MAGIC.copy(encoded)
  salt.copy(encoded, SALT_AT)
  encoded.writeUIntBE(bytes, BYTES_AT, KEY_BYTES_AT - BYTES_AT)
  encoded.writeUInt16BE(encoded.length - KEY_AT, KEY_BYTES_AT)
  encoded.write(key, KEY_AT)
  return { key, bytes, salt, encoded }
}

/**
 * Reads the header at the start of `stored`; whatever follows it is left alone. Nothing is authenticated
 * here: that takes a frame.
 *
 * @throws {ObjectStoreError} `ERR_OBJECT_CORRUPT`
 */
export function parseHeader(stored: Buffer): ObjectHeader {
  const end = stored.length < KEY_AT ? Infinity : KEY_AT + stored.readUInt16BE(KEY_BYTES_AT)
  if (stored.length < end || !stored.subarray(0, SALT_AT).equals(MAGIC)) {
    throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The stored object has no valid header')
  }
  return {
    key: stored.toString('utf8', KEY_AT, end),
    bytes: stored.readUIntBE(BYTES_AT, KEY_BYTES_AT - BYTES_AT),
    salt: stored.subarray(SALT_AT, BYTES_AT),
    encoded: stored.subarray(0, end),
  }
}
