import { ObjectStoreError } from './errors.ts'
import type { FrameCipher } from './frame-cipher.ts'
import { frameBytes, frameCount } from './frame-layout.ts'
import type { Upload } from './storage.ts'

/** Cuts plaintext that comes in pieces of any size into an object's frames, and seals them into its upload. */
export class FrameWriter {
  readonly #upload: Upload
  readonly #cipher: FrameCipher
  readonly #bytes: number
  readonly #frame: Buffer
  #filled = 0
  #index = 0

  /** @param bytes of the whole object */
  constructor(upload: Upload, cipher: FrameCipher, bytes: number) {
    this.#upload = upload
    this.#cipher = cipher
    this.#bytes = bytes
    this.#frame = Buffer.allocUnsafeSlow(frameBytes(bytes, 0))
  }

  /** Resolves when the piece has been copied or stored, and can be dropped. */
  async write(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const wanted = frameBytes(this.#bytes, this.#index)
      if (wanted <= 0) throw notAsLong()
      const copied = piece.copy(this.#frame, this.#filled, at, at + wanted - this.#filled)
      at += copied
      this.#filled += copied
      if (this.#filled === wanted) await this.#seal()
    }
  }

  async end(): Promise<void> {
    // An empty object has an empty frame.
    if (this.#bytes === 0) await this.#seal()
    if (this.#index !== frameCount(this.#bytes)) throw notAsLong()
  }

  async #seal(): Promise<void> {
    const plaintext = this.#frame.subarray(0, this.#filled)
    this.#filled = 0
    await this.#upload.append(this.#cipher.seal(this.#index++, plaintext))
  }
}

function notAsLong(): ObjectStoreError {
  return new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The object is not as long as its parts were')
}
