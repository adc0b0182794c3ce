import { INFLATED } from './content-encoding.ts'
import { cutBody } from './cut-body.ts'
import { bodyTooLarge, costTooLarge, type PlimsollError } from './errors.ts'
import { Inflation, type InflationKeeper } from './inflation.ts'
import type { Inflated, Price } from './price.ts'
import type { HttpRequest } from './request-head.ts'
import { overheadOf, SMALL_CHUNK, SmallChunks } from './small-chunks.ts'

/** From so many small chunks on they are gathered: bodies of a few are none of that trouble. */
const SEPARATE_CHUNKS = 16
/**
 * What an encoded body costs is asked each time it has become so much more, and with each piece once it costs more than was
 * expected: decoders put out pieces of 16 KiB, and the cost function is the user's. Asked of no size that it has not, since who
 * knows what a function says to that.
 */
const PRICED_EACH = 64 * 2 ** 10

/** Who pays for a body. */
export interface BodyPayer {
  /** What was agreed on: how long the body may be, and what it may cost. */
  price: Price
  payIn(bytes: number): void
  /**
   * So many bytes have come out of a decoder.
   *
   * @throws the refusal where what was promised for them is lent, and there is no room
   */
  inflates(bytes: number): void
  refund(bytes: number): void
  /** @throws the refusal of a price that can't be paid now */
  reprice(price: Price): void
  /** The body has ended. */
  bodyOver(): void
}

/**
 * Counts a body as it arrives on the request itself, so that whatever reads it is bounded: pipes,
 * async iteration, body parsers, multipart. Most of them read the raw request, so a wrapper stream
 * would be walked around; `push` is the one door that every byte comes in by, in HTTP/1 and HTTP/2.
 * What an encoded body becomes, and what small chunks take beside their bytes, counts too.
 *
 * A refused body fails like any broken stream, with 'error' to its reader, but its socket stays
 * open for the answer, and what still comes is thrown away.
 */
export class LimitedReader implements InflationKeeper {
  readonly #req: HttpRequest
  readonly #payer: BodyPayer
  readonly #onRefused: (error: PlimsollError) => void
  readonly #push: HttpRequest['push']
  #total = 0
  #complete = false
  #refused = false
  #settled = false
  #smallChunks = 0
  #gathering: SmallChunks | undefined
  #inflation: Inflation | undefined
  /** What has come out of decoders since it was last priced. */
  #unpriced = 0
  #outgrown = false

  /**
   * @param onRefused called when the body is refused, before its reader is told
   * @throws the refusal, where too much of the body has arrived already
   */
  constructor(req: HttpRequest, payer: BodyPayer, onRefused: (error: PlimsollError) => void) {
    this.#req = req
    this.#payer = payer
    this.#onRefused = onRefused
    this.#push = req.push
    if (payer.price.inflated !== undefined) {
      this.#inflation = new Inflation(req, this)
      // Read whole, and by no decoder: it stays what it is.
      req.once('end', () => this.#settleUnlessFailed())
    }
    // A hook that waited before us, or our own queue, has let some of it in.
    this.#count(req.readableLength)
    if (req.complete && !req.readableDidRead) this.#end()
    const push = (chunk: unknown, encoding?: BufferEncoding): boolean => this.#arrives(chunk, encoding)
    req.push = push
  }

  /** Bytes that have arrived. */
  get total(): number {
    return this.#total
  }

  /** How much body it is by now: what arrived, or has become of it, and what its small chunks take. */
  get held(): number {
    const { price } = this.#payer
    const { inflated } = price
    // A decoder can't be halted: what it has been given it will make as much of as most do.
    const expected = inflated?.costOf === undefined ? 0 : Math.min(INFLATED * this.#total, inflated.limit)
    const held = Math.max(this.#total, this.become, expected)
    return held + (price.costOf === undefined ? 0 : this.#overheadAt(price))
  }

  /** Bytes that an encoded body has become. */
  get become(): number {
    return this.#inflation?.total ?? 0
  }

  /** Whether the whole body has arrived. */
  get complete(): boolean {
    return this.#complete
  }

  /** Whether all of it has arrived and was inflated, and what it does not need was given back. */
  get settled(): boolean {
    return this.#settled
  }

  /**
   * Whether somebody reads a body that has not ended yet. A body that Node throws away after an early
   * answer has no listeners, or has lost them.
   */
  get underWay(): boolean {
    const req = this.#req
    if (this.#isOver) return false
    // Not `readableFlowing`: a pipe into something slow pauses it.
    return req.listenerCount('data') > 0 || req.listenerCount('readable') > 0
  }

  /** Whether it is for the client to send: Node reads what comes, and the buffer has room for it. */
  get owed(): boolean {
    const req = this.#req
    if (this.#isOver) return false
    return req.readableLength < req.readableHighWaterMark
  }

  /** Whether nothing more comes of it. */
  get #isOver(): boolean {
    return this.#complete || this.#refused || this.#req.destroyed
  }

  /** Refuses what is still to come. */
  refuse(error: PlimsollError): void {
    if (!this.#complete && !this.#refused) this.#refuse(error)
  }

  /**
   * A later price, and what has come of the body by now.
   *
   * @throws `ERR_PLIMSOLL_BODY_TOO_LARGE` where that is more than it allows
   */
  repriced(price: Price): Price {
    const { costOf, inflated } = price
    const total = this.become
    if (inflated !== undefined && total > inflated.limit) throw bodyTooLarge(total, inflated.limit)
    const become = inflated?.costOf?.(total) ?? 0
    if (costOf === undefined) {
      return { ...price, bytes: Math.max(price.bytes, become) + this.#overheadAt(price) }
    }
    if (!this.#settled) return { ...price, bytes: Math.max(price.bytes, become) }
    // All of it is known: nothing more is expected.
    return { ...price, bytes: this.#costOf(price, costOf), costOf: undefined }
  }

  inflated(chunk: Uint8Array, total: number): void {
    const { price } = this.#payer
    // Of a request that is encoded every price has it.
    const inflated = price.inflated as Inflated
    if (total > inflated.limit) throw bodyTooLarge(total, inflated.limit)
    if (inflated.costOf === undefined) {
      this.#payer.payIn(0)
      return
    }
    this.#unpriced += chunk.length
    const small = chunk.length < SMALL_CHUNK
    if (small) this.#smallChunks++
    if (small || this.#outgrown || this.#unpriced >= PRICED_EACH) this.#priceInflated()
    this.#payer.inflates(chunk.length)
  }

  /** @throws the refusal */
  #priceInflated(): void {
    const { price } = this.#payer
    const cost = (price.inflated as Inflated).costOf?.(this.become)
    this.#unpriced = 0
    if (cost === undefined) return
    const bytes = cost + this.#overheadAt(price)
    if (bytes <= price.bytes) return
    this.#outgrown = true
    this.#grow(bytes)
  }

  inflationRefused(error: PlimsollError): void {
    this.#refuse(error)
  }

  inflationOver(): void {
    try {
      // Not of one that ends before its time.
      if (this.#unpriced > 0 && this.#complete && !this.#refused) this.#priceInflated()
    } catch (error) {
      this.#refuse(error as PlimsollError)
      return
    }
    this.#settleUnlessFailed()
  }

  /** Within an event of somebody else's stream, where nobody could catch what a cost function throws. */
  #settleUnlessFailed(): void {
    try {
      this.#settle()
    } catch {
      // It keeps what it was promised: it was refused for that already, or nobody knows what it costs.
    }
  }

  #arrives(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    const gathering = this.#gathering
    const small = chunk instanceof Uint8Array && chunk.length < SMALL_CHUNK
    // Before the count: it may be the end.
    if (gathering !== undefined && !small) gathering.flush()
    // What was gathered was too much.
    if (this.#refused) return true
    try {
      if (chunk === null) this.#end()
      else this.#count(byteLength(chunk, encoding))
      if (small && gathering === undefined) this.#countSmall()
    } catch (error) {
      // Nobody could catch it here, within Node's parser.
      this.#refuse(error as PlimsollError)
      return true
    }
    if (!small || gathering === undefined) return this.#push.call(this.#req, chunk, encoding)
    gathering.add(chunk)
    return this.#req.readableLength + gathering.length < this.#req.readableHighWaterMark
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

  /** What is passed on as it came, or gathered, is an object of its own. */
  #countSmall(): void {
    const { price } = this.#payer
    // Of a stream, those count that nobody has taken yet.
    if (price.held === 'window' && this.#req.readableLength === 0) this.#smallChunks = 0
    this.#smallChunks++
    if (this.#gathering === undefined && this.#smallChunks >= SEPARATE_CHUNKS) {
      this.#gathering = new SmallChunks(chunk => this.#passOn(chunk))
    }
    const overhead = this.#overheadAt(price)
    if (overhead === 0) return
    const cost = price.costOf?.(this.#total) ?? Math.min(this.#total, price.bytes)
    if (cost + overhead > price.bytes) this.#grow(cost + overhead)
  }

  #overheadAt({ held }: Price): number {
    return held === 'nothing' ? 0 : overheadOf(this.#smallChunks, this.#total)
  }

  #passOn(chunk: Buffer): void {
    if (this.#refused) return
    try {
      if (chunk.length < SMALL_CHUNK) this.#countSmall()
    } catch (error) {
      this.#refuse(error as PlimsollError)
      return
    }
    this.#push.call(this.#req, chunk)
  }

  /** @throws the refusal */
  #grow(bytes: number): void {
    this.#payer.reprice({ ...this.#payer.price, bytes })
  }

  #end(): void {
    this.#complete = true
    // How large it is, is not known before it is decoded.
    if (this.#inflation === undefined) this.#settle()
    this.#payer.bodyOver()
  }

  /** A body whose size was not known gets back what it did not need. */
  #settle(): void {
    if (!this.#complete || this.#inflation?.underWay) return
    this.#settled = true
    const { price } = this.#payer
    if (price.costOf === undefined) return
    const bytes = Math.min(this.#costOf(price, price.costOf), price.bytes)
    this.#payer.price = { ...price, bytes, costOf: undefined, response: this.#responseOf(price) }
    this.#payer.refund(price.bytes - bytes)
  }

  /** What is guessed for the response, beside all of the body. */
  #responseOf({ response = 0, responseBeside }: Price): number {
    return Math.min(response, responseBeside?.(Math.max(this.#total, this.become)) ?? 0)
  }

  /** What all of the body costs. */
  #costOf(price: Price, costOf: (bodyBytes: number) => number): number {
    const inflated = price.inflated?.costOf?.(this.become) ?? 0
    return Math.max(costOf(this.#total), inflated) + this.#overheadAt(price)
  }

  #refuse(error: PlimsollError): void {
    this.#refused = true
    // It would tell the way through Node's parser, and frameworks print it: Express even in its answer.
    error.stack = `${error.name}: ${error.message}`
    // Who reads from a decoder is told by its 'error', and answers.
    if (this.#inflation?.isHeard) this.#req.on('error', () => {})
    try {
      this.#onRefused(error)
    } finally {
      // Whatever a logger throws.
      cutBody(this.#req, error)
      this.#inflation?.cut(error)
      // The answer may be out already.
      this.#payer.bodyOver()
    }
  }
}

function byteLength(chunk: unknown, encoding: BufferEncoding | undefined): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : (chunk as Uint8Array).byteLength
}
