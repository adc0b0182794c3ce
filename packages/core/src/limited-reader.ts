import { cutBody } from './cut-body.ts'
import { bodyTooLarge, costTooLarge, type PlimsollError } from './errors.ts'
import type { Price } from './price.ts'
import type { HttpRequest } from './request-head.ts'

/** Who pays for a body. */
export interface BodyPayer {
  /** What was agreed on: how long the body may be, and what it may cost. */
  price: Price
  payIn(bytes: number): void
  refund(bytes: number): void
  /** The body has ended. */
  bodyOver(): void
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
  readonly #payer: BodyPayer
  readonly #onRefused: (error: PlimsollError) => void
  #total = 0
  #complete = false
  #refused = false

  /**
   * @param onRefused called when the body is refused, before its reader is told
   * @throws the refusal, where too much of the body has arrived already
   */
  constructor(req: HttpRequest, payer: BodyPayer, onRefused: (error: PlimsollError) => void) {
    this.#req = req
    this.#payer = payer
    this.#onRefused = onRefused
    // A hook that waited before us, or our own queue, has let some of it in.
    this.#count(req.readableLength)
    if (req.complete && !req.readableDidRead) this.#end()
    const push = req.push
    req.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      try {
        if (chunk === null) this.#end()
        else this.#count(byteLength(chunk, encoding))
      } catch (error) {
        // Nobody could catch it here, within Node's parser.
        this.#refuse(error as PlimsollError)
        return true
      }
      return push.call(req, chunk, encoding)
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
   * answer has no listeners, or has lost them.
   */
  get underWay(): boolean {
    const req = this.#req
    if (this.#complete || this.#refused || req.destroyed) return false
    // Not `readableFlowing`: a pipe into something slow pauses it.
    return req.listenerCount('data') > 0 || req.listenerCount('readable') > 0
  }

  /** Whether it is for the client to send: Node reads what comes, and the buffer has room for it. */
  get owed(): boolean {
    const req = this.#req
    if (this.#complete || this.#refused || req.destroyed) return false
    return req.readableLength < req.readableHighWaterMark
  }

  /** Refuses what is still to come. */
  refuse(error: PlimsollError): void {
    if (!this.#complete && !this.#refused) this.#refuse(error)
  }

  #count(bytes: number): void {
    this.#total += bytes
    const total = this.#total
    const { bytes: reserved, limit, costOf } = this.#payer.price
    if (total > limit) throw bodyTooLarge(total, limit)
    // Reserved is what the largest body costs, or all there is where that is less.
    const cost = costOf?.(total) ?? 0
    if (cost > reserved) throw costTooLarge(cost, reserved, true)
    this.#payer.payIn(bytes)
  }

  /** A body without a length gets back what it did not need. */
  #end(): void {
    this.#complete = true
    const { price } = this.#payer
    if (price.costOf !== undefined) {
      const bytes = Math.min(price.costOf(this.#total), price.bytes)
      this.#payer.price = { ...price, bytes, costOf: undefined }
      this.#payer.refund(price.bytes - bytes)
    }
    this.#payer.bodyOver()
  }

  #refuse(error: PlimsollError): void {
    this.#refused = true
    // It would tell the way through Node's parser, and frameworks print it: Express even in its answer.
    error.stack = `${error.name}: ${error.message}`
    try {
      this.#onRefused(error)
    } finally {
      // Whatever a logger throws.
      cutBody(this.#req, error)
      // The answer may be out already.
      this.#payer.bodyOver()
    }
  }
}

function byteLength(chunk: unknown, encoding: BufferEncoding | undefined): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : (chunk as Uint8Array).byteLength
}
