import type { ByteBudget } from './byte-budget.ts'
import {
  bodyTooLarge,
  isPlimsollError,
  type PlimsollError,
  type PlimsollErrorCode,
  tooSlow,
} from './errors.ts'
import { GovernedRequest, type RequestKeeper } from './governed-request.ts'
import type { Price } from './price.ts'
import type { Shares } from './shares.ts'

/** Who hears what would have become of requests. */
export interface TwinKeeper {
  /** It would have had to wait. */
  queued(twin: Twin): void
  /** It would have waited so long, and been admitted. */
  waited(twin: Twin, ms: number): void
  /** Its response has begun, and has nothing in its buffers after a while. */
  streams(twin: Twin): void
  /** It would have been refused. Once for each. */
  refused(twin: Twin, error: PlimsollError): void
}

/** What would have been told nobody. */
const FOR_NOBODY: ReadonlySet<PlimsollErrorCode> = new Set([
  'ERR_PLIMSOLL_RELEASED',
  'ERR_PLIMSOLL_CLIENT_GONE',
])

const nothing = (): void => {}

/** Who admits twins: whatever becomes of them, no request is counted. */
const NOBODY: RequestKeeper = {
  waiting: new Set(),
  working: new Set(),
  released: nothing,
  streams: twin => (twin as Twin).teaches(),
  cutOff: nothing,
  requeueRefused: (twin, error) => (twin as Twin).fail(error),
}

/** There are no bodies here to hold. */
const NO_HOLD = { hold: nothing, letCome: nothing }

/**
 * What would become of an observed request if its governor acted. It waits, grows, is lent from and refused as that
 * would be, in a budget of its own, and touches nothing: neither body nor response nor connection.
 *
 * It holds its bytes for as long as the request held them, from the moment at which that would have got them.
 */
export class Twin extends GovernedRequest {
  queued = false
  /** How long it has waited; 0 as long as it does. */
  waitedMs = 0
  /** Since when its request has cost anything. */
  readonly since = performance.now()
  readonly #keeper: TwinKeeper
  #heldMs: number | undefined
  /** What its body turned out not to need while it waited. */
  #unused = 0
  /** What its body made of its cost while it waited. */
  #later: number | undefined
  /** A later admission, which would come only once it is let in: what it costs by what is known then. */
  #admission: (() => Price) | undefined

  constructor(original: GovernedRequest, budget: ByteBudget, shares: Shares | undefined, keeper: TwinKeeper) {
    super(original.req, original.res, budget, shares, NOBODY)
    this.row = original.row
    this.#keeper = keeper
  }

  /** Waits for its turn. */
  async wait(): Promise<void> {
    const since = performance.now()
    this.queued = true
    this.#keeper.queued(this)
    try {
      await this.acquire()
      this.waitedMs = performance.now() - since
      this.#keeper.waited(this, this.waitedMs)
      // Its handler would have begun only now, and its body to arrive.
      const admission = this.#admission?.()
      if (admission !== undefined) {
        this.costs(admission.bytes)
        this.allow(admission)
      }
      if (this.#later !== undefined) {
        this.costs(this.#later)
        this.claim(this.price)
      }
      super.refund(this.#unused)
      this.bodyComes()
      super.payIn(this.reader?.total ?? 0)
      if (this.#heldMs !== undefined) this.#leaveIn(this.#heldMs)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The request itself is over. */
  over(heldMs: number): void {
    if (this.released) return
    if (!this.waiting && this.waitedMs === 0) {
      this.leave()
      return
    }
    this.#forget()
    if (this.waiting) this.#heldMs = heldMs
    else this.#leaveIn(this.waitedMs)
  }

  /** Keeps nothing of a request that is over but what it is called: its body may hang on it. */
  #forget(): void {
    try {
      this.#later ??= this.#admission?.().bytes
    } catch (error) {
      this.fail(error)
    }
    const { method, url, headers } = this.req
    const { price } = this
    const gone = { req: { method, url, headers }, res: { writableLength: 0 }, socket: {} }
    Object.assign(this, gone)
    this.stream = this.reader = this.priceNow = this.#admission = undefined
    // They are asked with the request.
    this.price = { ...price, costOf: undefined, inflated: undefined }
  }

  #leaveIn(ms: number): void {
    setTimeout(() => this.leave(), ms).unref()
  }

  /** Its response has begun, and has nothing in its buffers. */
  teaches(): void {
    this.#keeper.streams(this)
  }

  /** It would have been refused with this. */
  fail(error: unknown): void {
    if (this.released || !isPlimsollError(error)) return
    this.refuse(error)
    if (!FOR_NOBODY.has(error.code)) this.#keeper.refused(this, error)
  }

  /** Its body turned out to cost so much. */
  costs(bytes: number): void {
    if (this.waiting) this.#later = bytes
    if (this.released || this.waiting) return
    try {
      this.reprice({ ...this.price, bytes })
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * A later admission of its request: what it allows holds from here on, what it costs once it is let in.
   *
   * @param declare tells its price by what is known by then
   */
  admitAgain(price: Price, declare: () => Price): void {
    if (this.waiting) {
      const { priceNow } = this
      const bytesNow = priceNow && ((): Price => ({ ...this.price, bytes: priceNow().bytes }))
      this.priceNow = bytesNow
      this.#admission = declare
      this.#later = undefined
    }
    this.allow(price)
  }

  /** From here on its body may be as long as this price allows. */
  allow(price: Price): void {
    const allowed = { ...price, bytes: this.price.bytes }
    this.claim(allowed)
    this.price = allowed
    this.payIn(0)
  }

  override payIn(bytes: number): void {
    if (this.#mayGoOn()) super.payIn(bytes)
  }

  override inflates(bytes: number): void {
    try {
      if (this.#mayGoOn()) super.inflates(bytes)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Whether its body is no longer than it may be. */
  #mayGoOn(): boolean {
    const { total = 0, become = 0 } = this.reader ?? {}
    const { limit, inflated } = this.price
    if (total > limit) this.fail(bodyTooLarge(total, limit))
    else if (inflated !== undefined && become > inflated.limit)
      this.fail(bodyTooLarge(become, inflated.limit))
    return !this.released
  }

  override refund(bytes: number): void {
    if (this.waiting) this.#unused = bytes
    else super.refund(bytes)
  }

  override cut(): void {
    this.fail(tooSlow(this.bytes))
  }

  /** Nobody is held up by what is only observed, nor is a client cut that has not taken it. */
  override departs(): void {}

  override bodyHold(): typeof NO_HOLD {
    return NO_HOLD
  }
}
