import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { ObjectStoreError } from './errors.ts'
import { frameCount, type SealedFrame, TAG_BYTES } from './frame-layout.ts'
import type { ObjectHeader } from './object-header.ts'

const KEY_BYTES = 32
const NONCE_PREFIX_BYTES = 7

/**
 * AES-256-GCM over one object's frames in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár
 * 2015; Tink's AES-GCM-HKDF): the nonce is prefix | frame counter | last-frame flag and the associated data
 * is the object's header. So a frame opens only in its place, in its object, and no frame can be missing.
 */
export class FrameCipher {
  readonly #header: ObjectHeader
  readonly #key: Buffer
  readonly #noncePrefix: Buffer

  // A random 7-byte prefix under one key for all would repeat, and with it whole nonces, after some 2^28
  // objects. The header's 32-byte salt makes the key an object's own.
  constructor(masterKey: Buffer, header: ObjectHeader) {
    const derived = Buffer.from(
      hkdfSync('sha256', masterKey, header.salt, 'object-store frames', KEY_BYTES + NONCE_PREFIX_BYTES),
    )
    this.#header = header
    this.#key = derived.subarray(0, KEY_BYTES)
    this.#noncePrefix = derived.subarray(KEY_BYTES)
  }

  seal(index: number, plaintext: Buffer): SealedFrame {
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce(index))
    cipher.setAAD(this.#header.encoded)
    // GCM pads nothing: update() returns the whole ciphertext and final() only closes the tag.
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    return { ciphertext, tag: cipher.getAuthTag() }
  }

  /** @throws {ObjectStoreError} `ERR_OBJECT_CORRUPT`; the plaintext of such a frame is never seen. */
  open(index: number, { ciphertext, tag }: SealedFrame): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#nonce(index), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(this.#header.encoded).setAuthTag(tag)
    const plaintext = decipher.update(ciphertext)
    try {
      decipher.final()
    } catch (cause) {
      throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'A frame of the object is not authentic', { cause })
    }
    return plaintext
  }

  #nonce(index: number): Buffer {
    const nonce = Buffer.alloc(NONCE_PREFIX_BYTES + 5)
    this.#noncePrefix.copy(nonce)
    nonce.writeUInt32BE(index, NONCE_PREFIX_BYTES)
    nonce.writeUInt8(index === frameCount(this.#header.bytes) - 1 ? 1 : 0, NONCE_PREFIX_BYTES + 4)
    return nonce
  }
}
