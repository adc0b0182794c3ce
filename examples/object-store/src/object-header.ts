import { randomBytes } from 'node:crypto'
import { ObjectStoreError } from './errors.ts'

/**
 * What stands before an object's frames, in the clear: magic | salt | plaintext bytes | key bytes |
 * attribute bytes | key | attributes.
 */
export interface ObjectHeader {
  readonly key: string
  /** Of plaintext. */
  readonly bytes: number
  readonly salt: Buffer
  /** What its owner keeps with it, as text; nothing here reads it. */
  readonly attributes: string
  /** Every frame authenticates these bytes, and by them the object's key, size and attributes. */
  readonly encoded: Buffer
}

const MAGIC = Buffer.from('POS2')
const SALT_AT = MAGIC.length
const BYTES_AT = SALT_AT + 32
const KEY_BYTES_AT = BYTES_AT + 6
const ATTRIBUTE_BYTES_AT = KEY_BYTES_AT + 2
const KEY_AT = ATTRIBUTE_BYTES_AT + 2

/** In UTF-8, as S3 has it. Who names objects in other ways may allow less. */
export const MAX_HEADER_KEY_BYTES = 1024
/** In UTF-8. */
export const MAX_ATTRIBUTE_BYTES = 4096
export const MAX_HEADER_BYTES = KEY_AT + MAX_HEADER_KEY_BYTES + MAX_ATTRIBUTE_BYTES

/** @param key, attributes no longer than the limits above */
export function createHeader(key: string, bytes: number, attributes = ''): ObjectHeader {
  const salt = randomBytes(BYTES_AT - SALT_AT)
  const keyBytes = Buffer.byteLength(key)
  const encoded = Buffer.alloc(KEY_AT + keyBytes + Buffer.byteLength(attributes))
  MAGIC.copy(encoded)
  salt.copy(encoded, SALT_AT)
  encoded.writeUIntBE(bytes, BYTES_AT, KEY_BYTES_AT - BYTES_AT)
  encoded.writeUInt16BE(keyBytes, KEY_BYTES_AT)
  encoded.writeUInt16BE(encoded.length - KEY_AT - keyBytes, ATTRIBUTE_BYTES_AT)
  encoded.write(key, KEY_AT)
  encoded.write(attributes, KEY_AT + keyBytes)
  return { key, bytes, salt, attributes, encoded }
}

/**
 * Reads the header at the start of `stored`; whatever follows it is left alone. Nothing is authenticated
 * here: that takes a frame.
 *
 * @throws {ObjectStoreError} `ERR_OBJECT_CORRUPT`
 */
export function parseHeader(stored: Buffer): ObjectHeader {
  const known = stored.length >= KEY_AT
  const keyEnd = known ? KEY_AT + stored.readUInt16BE(KEY_BYTES_AT) : Infinity
  const end = known ? keyEnd + stored.readUInt16BE(ATTRIBUTE_BYTES_AT) : Infinity
  if (stored.length < end || !stored.subarray(0, SALT_AT).equals(MAGIC)) {
    throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The stored object has no valid header')
  }
  return {
    key: stored.toString('utf8', KEY_AT, keyEnd),
    bytes: stored.readUIntBE(BYTES_AT, KEY_BYTES_AT - BYTES_AT),
    salt: stored.subarray(SALT_AT, BYTES_AT),
    attributes: stored.toString('utf8', keyEnd, end),
    encoded: stored.subarray(0, end),
  }
}
