import { parseByteSize } from './byte-size.ts'
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
  /** For a body of unknown length: what it costs once its length is known; the rest is given back. */
  readonly costOf: ((bodyBytes: number) => number) | undefined
  /** By what it was priced; undefined where it costs what its handler says. */
  readonly policy: ResolvedPolicy | undefined
}

/** What costs nothing. */
export const FREE: Price = Object.freeze({
  bytes: 0,
  hasBody: false,
  limit: 0,
  costOf: undefined,
  policy: undefined,
})

/**
 * Prices a request by its head alone.
 *
 * @param declared bytes of the body, undefined where unknown
 * @param capacity the budget's configured capacity: a budget that was shrunk makes requests wait, it
 *   never turns them into a 413
 * @throws `ERR_PLIMSOLL_BODY_TOO_LARGE`, `ERR_PLIMSOLL_BODY_OVER_BUDGET`, `ERR_PLIMSOLL_COST_OVER_BUDGET`,
 *   `ERR_PLIMSOLL_LENGTH_REQUIRED`, `ERR_PLIMSOLL_COST_FUNCTION`
 */
export function priceOf(
  req: HttpRequest,
  declared: number | undefined,
  policy: ResolvedPolicy,
  capacity: number,
): Price {
  if (declared === undefined) return priceOfUnknown(req, policy, capacity)
  if (declared === 0 && policy.cost === undefined) return FREE
  // Where it costs what it weighs, the capacity bounds it below, with a code that says so.
  const limit = policy.cost === undefined ? (policy.maxBody ?? declared) : largestBody(policy, capacity)
  if (declared > limit) throw bodyTooLarge(declared, limit)
  const bytes = costOfBody(req, declared, policy)
  if (bytes > capacity) throw costTooLarge(bytes, capacity, declared > 0)
  return { bytes, hasBody: declared > 0, limit: declared, costOf: undefined, policy }
}

/** The price of an exempt request: nothing, but its body stays bounded. */
export function priceOfExempt(declared: number | undefined, policy: ResolvedPolicy, capacity: number): Price {
  const limit = policy.maxBody ?? largestBody(policy, capacity)
  if (declared !== undefined && declared > limit) throw bodyTooLarge(declared, limit)
  return { bytes: 0, hasBody: declared !== 0, limit: declared ?? limit, costOf: undefined, policy }
}

function priceOfUnknown(req: HttpRequest, policy: ResolvedPolicy, capacity: number): Price {
  if (policy.requireLength) {
    throw new PlimsollError('ERR_PLIMSOLL_LENGTH_REQUIRED', 'The request needs a Content-Length')
  }
  const limit = largestBody(policy, capacity)
  const costOf = (bodyBytes: number): number => costOfBody(req, bodyBytes, policy)
  const bytes = Math.min(costOf(Math.min(limit, ENDLESS)), capacity)
  return { bytes, hasBody: true, limit, costOf, policy }
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
  if (typeof policy.cost !== 'function' && price.costOf === undefined)
    return Math.max(Math.min(promised, arrived), promised - (limit - arrived))
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
  if (cost === undefined) return policy.body === 'stream' ? Math.min(bodyBytes, STREAM_WINDOW) : bodyBytes
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
