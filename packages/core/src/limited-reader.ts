import type { PlimsollError } from './errors.ts'
import type { HttpRequest } from './request-head.ts'

/** Who is told what arrives. */
export interface BodyAccount {
  /** `chunk` bytes have arrived, `total` in all. An error refuses the body from here on. */
  arrived(chunk: number, total: number): PlimsollError | undefined
  /** The body is complete. An error refuses it. */
  completed(total: number): PlimsollError | undefined
  /** The body was refused, and whoever reads it is about to be told. */
  refused(error: PlimsollError): void
}

/**
 * Counts a body as it arrives on the request itself, so that whatever reads it is bounded: pipes,
 * async iteration, body parsers, multipart. Most of them read the raw request, so a wrapper stream
 * would be walked around; `push` is the one door that every byte comes in by, in HTTP/1 and HTTP/2.
 *
 * A refused body fails like any broken stream, with 'error' to its reader, but its socket stays
 * open for the answer, and what still comes is thrown away.
 */
export class LimitedReader {
  readonly #req: HttpRequest
  readonly #account: BodyAccount
  #total = 0
  #complete = false
  #refused = false

  /** @throws what the account says of the part of the body that has arrived already */
  constructor(req: HttpRequest, account: BodyAccount) {
    this.#req = req
    this.#account = account
    // A hook that waited before us, or our own queue, has let some of it in.
    const error =
      this.#count(req.readableLength) ?? (req.complete && !req.readableDidRead ? this.#end() : undefined)
    if (error !== undefined) throw error
    const push = req.push
    req.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      // true keeps the socket flowing: nothing is buffered, and the answer gets out.
      if (this.#refused) return true
      const error = chunk === null ? this.#end() : this.#count(byteLength(chunk, encoding))
      if (error === undefined) return push.call(req, chunk, encoding)
      this.#refuse(error)
      return true
    }
  }

  /** Bytes that have arrived. */
  get total(): number {
    return this.#total
  }

  /** Whether the whole body has arrived. */
  get complete(): boolean {
    return this.#complete
  }

  /**
   * Whether somebody reads a body that has not ended yet. A body that Node throws away after an early
   * answer flows too, but has lost its listeners.
   */
  get underWay(): boolean {
    const req = this.#req
    if (this.#complete || this.#refused || req.destroyed) return false
    return (
      (req.readableFlowing === true && req.listenerCount('data') > 0) || req.listenerCount('readable') > 0
    )
  }

  #count(bytes: number): PlimsollError | undefined {
    this.#total += bytes
    return bytes === 0 ? undefined : this.#account.arrived(bytes, this.#total)
  }

  #end(): PlimsollError | undefined {
    this.#complete = true
    return this.#account.completed(this.#total)
  }

  #refuse(error: PlimsollError): void {
    const req = this.#req
    this.#refused = true
    this.#account.refused(error)
    // Node's own destroys the socket, and with it the answer.
    req._destroy = (cause, callback) => callback(cause)
    // Without a listener the 'error' event would be an uncaught exception.
    if (req.listenerCount('error') === 0) req.on('error', () => {})
    req.destroy(error)
  }
}

function byteLength(chunk: unknown, encoding: BufferEncoding | undefined): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : (chunk as Uint8Array).byteLength
}
