import type { HeldBytes } from './held-bytes.ts'

const FIRST_BLOCK = 8 * 1024
const LARGEST_BLOCK = 64 * 1024

export interface GatheredOptions {
  /** The most bytes that are taken. */
  readonly limit: number
  /** How many will probably come; undefined where nobody knows. */
  readonly expected: number | undefined
  readonly held: HeldBytes
  /** Whether somebody holds the chunks already, so that only a second copy is to be held. */
  readonly paid?: boolean
  /** What is thrown at a byte too many. */
  readonly tooLarge: (bytes: number) => Error
}

/**
 * Makes one buffer of chunks. Where their length is known it is made first, and is all that there is. Else chunks are
 * copied into blocks: kept as they come, a chunk of one byte would hold 200, and all that was read with it.
 */
export class GatheredBytes {
  readonly #options: GatheredOptions
  readonly #blocks: Buffer[] = []
  #last: Buffer = Buffer.alloc(0)
  #free = 0
  #total = 0

  /** @throws what `tooLarge` makes, where more is expected than allowed; what `held` throws */
  constructor(options: GatheredOptions) {
    this.#options = options
    const { expected = 0, limit, tooLarge } = options
    if (expected > limit) throw tooLarge(expected)
    if (expected > 0) this.#addBlock(expected)
  }

  /** Bytes that were taken. */
  get total(): number {
    return this.#total
  }

  /** @throws what `tooLarge` makes; what `held` throws */
  add(chunk: Uint8Array): void {
    const { limit, tooLarge } = this.#options
    if (this.#total + chunk.length > limit) throw tooLarge(this.#total + chunk.length)
    for (let at = 0; at < chunk.length; ) {
      if (this.#free === 0) {
        const bytes = Math.min(Math.max(FIRST_BLOCK, this.#total), LARGEST_BLOCK, limit - this.#total)
        this.#addBlock(bytes)
      }
      const part = chunk.subarray(at, at + this.#free)
      this.#last.set(part, this.#last.length - this.#free)
      this.#free -= part.length
      this.#total += part.length
      at += part.length
    }
  }

  /**
   * All of it, in a buffer of its length, for which it goes on being held.
   *
   * @throws what `held` throws: for a moment it may be there twice
   */
  joined(): Buffer {
    const { held, paid } = this.#options
    if (this.#blocks.length === 1 && this.#free === 0) return this.#last
    held.grow(this.#total)
    const all = Buffer.allocUnsafeSlow(this.#total)
    let at = 0
    for (const block of this.#blocks) at += block.copy(all, at)
    this.#blocks.length = 0
    held.shrink(paid ? 0 : this.#total)
    return all
  }

  #addBlock(bytes: number): void {
    const { held, paid } = this.#options
    if (!paid) held.grow(bytes)
    // Of its own memory: a slice of Node's pool would keep all of that.
    this.#last = Buffer.allocUnsafeSlow(bytes)
    this.#free = bytes
    this.#blocks.push(this.#last)
  }
}
