import type { ByteBudget } from './byte-budget.ts'
import { observedChannel } from './diagnostics.ts'
import type { PlimsollError, PlimsollErrorCode } from './errors.ts'
import type { GovernedRequest } from './governed-request.ts'
import { FREE, type Price, unboundedPrice } from './price.ts'
import { type Logger, RefusalLog } from './refusal-log.ts'
import { Rehearsal } from './rehearsal.ts'
import type { RouteMeasures } from './route-measures.ts'
import type { ShareOptions } from './shares.ts'
import type { Twin, TwinKeeper } from './twin.ts'

/** What a governor would have done to the requests that it only observed. */
export interface ObservedStats {
  /** Requests that would wait now. */
  readonly waiting: number
  /** Requests that would have had to wait. */
  readonly queued: number
  /** Requests that would have been refused, by the code of the error. */
  readonly refused: Readonly<Partial<Record<PlimsollErrorCode, number>>>
  /** Connections that were one too many: an idle one would have been closed for each, or itself refused. */
  readonly connectionsOver: number
}

/** Lets requests pass as if no governor was there, and tells what it would have done. */
export class Observer implements TwinKeeper {
  readonly streams: (request: GovernedRequest) => void
  readonly #rehearsal: Rehearsal
  readonly #log: RefusalLog
  readonly #refused: Partial<Record<PlimsollErrorCode, number>> = {}
  #queued = 0
  #connections = 0

  /** @param streams told of a response that has begun, and has nothing in its buffers */
  constructor(
    budget: ByteBudget,
    share: ShareOptions | undefined,
    logger: Logger,
    streams: (request: GovernedRequest) => void,
  ) {
    this.streams = streams
    this.#rehearsal = new Rehearsal(budget, share, this)
    this.#log = new RefusalLog(logger, 'would have refused')
  }

  /**
   * Has a request's twin go the way of a request. Itself it holds what that would cost, and its body however long.
   *
   * @param declare tells its price, or throws its refusal
   * @param declareAnew prices it while its twin waits
   * @returns undefined where it costs nothing: nothing of it could wait or be refused
   */
  begin(request: GovernedRequest, declare: () => Price, declareAnew: () => Price): Twin | undefined {
    let price: Price
    try {
      price = declare()
    } catch (error) {
      // What is refused by its head has no price.
      request.price = asItComes(request.declared)
      const twin = this.#rehearsal.twinOf(request)
      twin.fail(error)
      return twin
    }
    request.price = price
    if (price.bytes === 0 && !price.hasBody) return undefined
    const twin = this.#rehearsal.twinOf(request)
    if (price.response) twin.priceNow = declareAnew
    request.price = unboundedPrice(price, error => twin.fail(error))
    return this.#enter(twin, price)
  }

  /** The twin of a request that has cost nothing so far. */
  twinOf(request: GovernedRequest): Twin {
    return this.#enter(this.#rehearsal.twinOf(request), request.price)
  }

  #enter(twin: Twin, price: Price): Twin {
    twin.price = price
    try {
      this.#rehearsal.enter(twin)
    } catch (error) {
      twin.fail(error)
    }
    return twin
  }

  /** A later admission of a request: what it costs and allows from here on. */
  adjust(request: GovernedRequest, twin: Twin, declare: () => Price): void {
    try {
      const price = declare()
      request.adjust(unboundedPrice(price, error => twin.fail(error)))
      twin.admitAgain(price, declare)
    } catch (error) {
      twin.fail(error)
    }
  }

  /** The request itself is over. What its twin has met before its route was known is noted there now. */
  over(twin: Twin, row: RouteMeasures | undefined, heldMs: number): void {
    if (twin.row === undefined && row !== undefined) {
      twin.row = row
      if (twin.queued) row.queued++
      if (twin.waitedMs > 0) row.waitedMs.record(twin.waitedMs)
      if (twin.refusal !== undefined) row.refuse(twin.refusal.code)
    }
    twin.over(heldMs)
  }

  queued(twin: Twin): void {
    this.#queued++
    if (twin.row !== undefined) twin.row.queued++
  }

  waited(twin: Twin, ms: number): void {
    twin.row?.waitedMs.record(ms)
    if (observedChannel.hasSubscribers)
      observedChannel.publish({ request: twin.req, waitedMs: ms, error: undefined })
  }

  refused(twin: Twin, error: PlimsollError): void {
    const { req, row } = twin
    this.#refused[error.code] = (this.#refused[error.code] ?? 0) + 1
    row?.refuse(error.code)
    this.#log.refused(req, error)
    if (observedChannel.hasSubscribers) observedChannel.publish({ request: req, waitedMs: 0, error })
  }

  connectionOver(limit: number): void {
    this.#connections++
    this.#log.refusedConnection(limit)
  }

  /** Something was learned of what requests cost. */
  reprice(): void {
    this.#rehearsal.reprice()
  }

  /** Logs what was not logged yet. */
  flush(): void {
    this.#log.flush()
  }

  stats(): ObservedStats {
    return {
      waiting: this.#rehearsal.waiting,
      queued: this.#queued,
      refused: { ...this.#refused },
      connectionsOver: this.#connections,
    }
  }
}

/** A body that would be refused by its head is held as it comes. */
function asItComes(declared: number | undefined): Price {
  return {
    ...FREE,
    bytes: declared ?? 0,
    hasBody: declared !== 0,
    limit: Number.POSITIVE_INFINITY,
    held: 'body',
  }
}
