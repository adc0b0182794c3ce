import { parseByteSize } from './byte-size.ts'
import { encodingRefused, INFLATED, isEncoded } from './content-encoding.ts'
import { bodyTooLarge, costTooLarge, PlimsollError } from './errors.ts'
import { type HttpRequest, requestHead } from './request-head.ts'
import type { ResolvedPolicy } from './route-policy.ts'

/**
 * What a body read as a stream holds at a time: one socket read of 64 KiB (libuv's suggestion) and
 * a readable buffer of as much (Node 22's default high-water mark).
 */
export const STREAM_WINDOW = 128 * 1024

/** What a cost function is told of a body without length or limit: small enough to be multiplied. */
const ENDLESS = 2 ** 40

/** What a request is asked to reserve, and how much body that covers. */
export interface Price {
  readonly bytes: number
  readonly hasBody: boolean
  /** Largest body that may arrive. */
  readonly limit: number
  /** For a body of unknown length, or encoded: what it costs once its length is known; the rest is given back. */
  readonly costOf: ((bodyBytes: number) => number) | undefined
  /** By what it was priced; undefined where it costs what its handler says. */
  readonly policy: ResolvedPolicy | undefined
  /** For an encoded body: what may become of it. */
  readonly inflated: Inflated | undefined
  /** Of `bytes`, what was guessed for the response. */
  readonly response?: number
  /** The same of what it costs with a body of another length. */
  readonly responseBeside?: (bodyBytes: number) => number
  /** What of the body is in memory at our cost. */
  readonly held: 'body' | 'window' | 'nothing'
}

/** What may become of an encoded body. */
export interface Inflated {
  /** Largest body that it may become. */
  readonly limit: number
  /** What such a body costs. Undefined where it is not held. */
  readonly costOf: ((bodyBytes: number) => number) | undefined
}

/** What costs nothing. */
export const FREE: Price = Object.freeze({
  bytes: 0,
  hasBody: false,
  limit: 0,
  costOf: undefined,
  policy: undefined,
  inflated: undefined,
  held: 'nothing',
})

/**
 * Prices a request by its head alone.
 *
 * @param declared bytes of the body, undefined where unknown
 * @param capacity the budget's configured capacity: a budget that was shrunk makes requests wait, it
 *   never turns them into a 413
 * @param alone what a request may cost at most; what costs more than the capacity takes all of it
 * @throws `ERR_PLIMSOLL_BODY_TOO_LARGE`, `ERR_PLIMSOLL_BODY_OVER_BUDGET`, `ERR_PLIMSOLL_COST_OVER_BUDGET`,
 *   `ERR_PLIMSOLL_LENGTH_REQUIRED`, `ERR_PLIMSOLL_ENCODING`, `ERR_PLIMSOLL_COST_FUNCTION`
 */
export function priceOf(
  req: HttpRequest,
  declared: number | undefined,
  policy: ResolvedPolicy,
  capacity: number,
  alone = capacity,
): Price {
  if (declared === 0 && policy.cost === undefined) return FREE
  const inflated = declared === 0 ? undefined : inflatedOf(req, policy, capacity)
  if (declared === undefined) return priceOfUnknown(req, policy, capacity, alone, inflated)
  // Where it costs what it weighs, the capacity bounds it below, with a code that says so.
  const limit = policy.cost === undefined ? (policy.maxBody ?? declared) : largestBody(policy, capacity)
  if (declared > limit) throw bodyTooLarge(declared, limit)
  const cost = costOfBody(req, declared, policy)
  if (cost > alone) throw costTooLarge(cost, alone, declared > 0)
  const bytes = Math.min(cost, capacity)
  const held = policy.body === 'stream' ? 'window' : 'body'
  const hasBody = declared > 0
  const price: Price = { bytes, hasBody, limit: declared, costOf: undefined, policy, inflated, held }
  return inflated === undefined ? price : expectMore(req, price, inflated, policy, capacity)
}

/** Reserves what an encoded body will probably become. A stream holds a window of it, however long that is. */
function expectMore(
  req: HttpRequest,
  price: Price,
  inflated: Inflated,
  policy: ResolvedPolicy,
  capacity: number,
): Price {
  const costOf = (bodyBytes: number): number => costOfBody(req, bodyBytes, policy)
  const expected = Math.min(price.held === 'window' ? ENDLESS : INFLATED * price.limit, inflated.limit)
  const bytes = Math.max(price.bytes, Math.min(costOf(expected), capacity))
  return { ...price, bytes, costOf }
}

/** What may become of a body that is encoded. */
function inflatedOf(req: HttpRequest, policy: ResolvedPolicy, capacity: number): Inflated | undefined {
  if (!isEncoded(req)) return undefined
  if (!policy.acceptEncoded) throw encodingRefused()
  // As above: where it costs what it weighs, it is bounded by its cost.
  const limit =
    policy.cost === undefined ? (policy.maxBody ?? Number.POSITIVE_INFINITY) : largestBody(policy, capacity)
  const held = policy.body === 'buffer'
  return { limit, costOf: held ? bodyBytes => costOfBody(req, bodyBytes, policy) : undefined }
}

/** The price of an exempt request: nothing, but its body stays bounded. */
export function priceOfExempt(
  req: HttpRequest,
  declared: number | undefined,
  policy: ResolvedPolicy,
  capacity: number,
): Price {
  const limit = policy.maxBody ?? largestBody(policy, capacity)
  if (declared !== undefined && declared > limit) throw bodyTooLarge(declared, limit)
  const encoded = declared !== 0 && isEncoded(req)
  if (encoded && !policy.acceptEncoded) throw encodingRefused()
  const inflated = encoded ? { limit, costOf: undefined } : undefined
  return {
    bytes: 0,
    hasBody: declared !== 0,
    limit: declared ?? limit,
    costOf: undefined,
    policy,
    inflated,
    held: 'nothing',
  }
}

/**
 * What a request holds that is only observed: what it costs, however long its body gets.
 *
 * @param failed told what a cost function throws at a body that would still be let in; it costs all that it may then
 */
export function unboundedPrice(price: Price, failed: (error: unknown) => void): Price {
  const { costOf, inflated } = price
  const limit = Number.POSITIVE_INFINITY
  const unbounded = (of: NonNullable<Price['costOf']>, largest: number) => (bodyBytes: number) => {
    // It was promised to be asked of no larger ones.
    if (bodyBytes > largest) return price.bytes
    try {
      return of(bodyBytes)
    } catch (error) {
      failed(error)
      return price.bytes
    }
  }
  const bounded = costOf && unbounded(costOf, price.limit)
  return {
    ...price,
    limit,
    costOf: bounded && (bodyBytes => Math.min(bounded(bodyBytes), price.bytes)),
    inflated: inflated && {
      limit,
      costOf: inflated.costOf && unbounded(inflated.costOf, inflated.limit),
    },
  }
}

function priceOfUnknown(
  req: HttpRequest,
  policy: ResolvedPolicy,
  capacity: number,
  alone: number,
  inflated: Inflated | undefined,
): Price {
  if (policy.requireLength) {
    throw new PlimsollError('ERR_PLIMSOLL_LENGTH_REQUIRED', 'The request needs a Content-Length')
  }
  const limit = largestBody(policy, capacity)
  const costOf = (bodyBytes: number): number => {
    const cost = costOfBody(req, bodyBytes, policy)
    return alone > capacity && cost <= alone ? Math.min(cost, capacity) : cost
  }
  const bytes = Math.min(costOf(Math.min(limit, ENDLESS)), capacity)
  return {
    bytes,
    hasBody: true,
    limit,
    costOf,
    policy,
    inflated,
    held: policy.body === 'stream' ? 'window' : 'body',
  }
}

function largestBody(policy: ResolvedPolicy, capacity: number): number {
  if (policy.body === 'stream') return policy.maxBody ?? Number.POSITIVE_INFINITY
  return policy.maxBody === undefined || policy.cost === undefined
    ? Math.min(policy.maxBody ?? capacity, capacity)
    : policy.maxBody
}

/**
 * Of `promised` bytes, how many may be in use when `arrived` bytes of the body are there: what a body of that length
 * would cost. Where that is not known, all but what is still to come.
 */
export function neededOf(req: HttpRequest, price: Price, promised: number, arrived: number): number {
  const { bytes, limit, policy } = price
  if (policy === undefined) return promised
  const grown = Math.max(0, promised - bytes)
  const { cost } = policy
  if (typeof cost !== 'function' && typeof cost !== 'object' && price.costOf === undefined)
    return Math.max(Math.min(promised, arrived), promised - Math.max(0, limit - arrived))
  try {
    return Math.min(promised, costOfBody(req, arrived, policy) + grown)
  } catch {
    // It is told where its answer decides.
    return promised
  }
}

function costOfBody(req: HttpRequest, bodyBytes: number, policy: ResolvedPolicy): number {
  const { cost } = policy
  if (typeof cost === 'number') return cost
  if (typeof cost === 'object') return cost.ofLength(bodyBytes)
  if (typeof cost !== 'function')
    return policy.body === 'stream' ? Math.min(bodyBytes, STREAM_WINDOW) : bodyBytes
  const bytes = consult(() => cost(requestHead(req, bodyBytes)))
  // Half of an odd length is no whole number of bytes.
  return consult(() => parseByteSize(typeof bytes === 'number' ? Math.ceil(bytes) : bytes, 'cost'))
}

/**
 * Asks a function of the user's about a request.
 *
 * @throws `ERR_PLIMSOLL_COST_FUNCTION` where it throws, or is async
 */
export function consult<T>(ask: () => T): T {
  try {
    const answer = ask()
    if (typeof (answer as PromiseLike<unknown> | null)?.then !== 'function') return answer
    // Its rejection later on must not end the process.
    Promise.resolve(answer).catch(() => {})
    throw new TypeError('The function must not be async')
  } catch (cause) {
    throw new PlimsollError('ERR_PLIMSOLL_COST_FUNCTION', 'The cost of this request could not be told', {
      cause,
    })
  }
}
