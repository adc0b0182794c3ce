import type { Readable } from 'node:stream'
import { bodyOf, type HttpRequest } from './request-head.ts'

/**
 * Keeps a body in its client, although somebody reads it. What it lets in would be in memory, and no budget would
 * know: while its request waits (a logger mounted before us reads it, or what runs by a hook's second `done()`), or
 * where its bytes were lent and there is no room.
 */
export class BodyHold {
  readonly #body: Readable
  readonly #read: (size: number) => void
  #held = false
  #asked = false

  constructor(req: HttpRequest) {
    const body = bodyOf(req)
    this.#body = body
    const { _read, push } = body
    const read = (size: number): void => _read.call(body, size)
    this.#read = read
    const readUnlessHeld = (size: number): void => {
      if (this.#held) this.#asked = true
      else read(size)
    }
    // What is read does not fill the buffer, and Node would never stop.
    const pushAndStop = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      const goesOn = push.call(body, chunk, encoding)
      // Where nobody reads, nobody would ask again: the buffer stops it.
      if (!this.#held || !(this.#asked || body.readableDidRead)) return goesOn
      this.#asked = true
      return false
    }
    body._read = readUnlessHeld
    body.push = pushAndStop
  }

  /** From here on no more is read. */
  hold(): void {
    this.#held = true
  }

  /** Lets the body come. */
  letCome(): void {
    this.#held = false
    if (!this.#asked) return
    this.#asked = false
    // Node takes the socket off a body that somebody has stopped reading, and would look for it.
    if (!this.#body.destroyed) this.#read(0)
  }
}
