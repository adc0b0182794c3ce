import { randomFillSync } from 'node:crypto'

/** The one buffer that every body is sent from and compared with, so that the client holds no bodies. */
const pattern = randomFillSync(Buffer.allocUnsafeSlow(16 * 2 ** 20))

/** The bytes of one object: the pattern from some place on, round and round. */
export class Content {
  readonly bytes: number
  readonly #rotation: number

  constructor(object: number, bytes: number) {
    this.bytes = bytes
    // No multiple of a page, a frame or a cipher block, so that a misplaced piece can't fit by chance.
    this.#rotation = (object * 1_000_003) % pattern.length
  }

  *slices(): Generator<Buffer> {
    for (let offset = 0; offset < this.bytes; ) {
      const slice = this.#from(offset, this.bytes - offset)
      yield slice
      offset += slice.length
    }
  }

  matches(chunk: Buffer, offset: number): boolean {
    for (let done = 0; done < chunk.length; ) {
      const expected = this.#from(offset + done, chunk.length - done)
      if (expected.compare(chunk, done, done + expected.length) !== 0) return false
      done += expected.length
    }
    return true
  }

  /** Up to `most` bytes at `offset`, fewer where the pattern wraps. */
  #from(offset: number, most: number): Buffer {
    const start = (this.#rotation + offset) % pattern.length
    return pattern.subarray(start, Math.min(start + most, pattern.length))
  }
}
