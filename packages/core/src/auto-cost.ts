import { type BodyKind, defaultCost, kindOf } from './body-kind.ts'
import { FREE, type Price, priceOf, STREAM_WINDOW } from './price.ts'
import type { LinearCost } from './report.ts'
import type { HttpRequest } from './request-head.ts'
import type { ResolvedPolicy } from './route-policy.ts'

/** Such a part of the budget a response costs of which nothing is known. */
export const UNKNOWN_PART = 4
/** More it is never guessed to cost: hardly any response buffers 32 MiB, and of a large budget a quarter is no guess any more. */
export const MOST_UNKNOWN = 64 * 2 ** 20

/** What a budget can bear. */
export interface Bearing {
  /** Bytes of the budget, as configured. */
  readonly capacity: number
  /** Bytes of it that a response may be guessed to cost: a giant is asked for, not guessed. */
  readonly part?: number
  /** What one request may cost that has all of the budget to itself. */
  readonly alone: number
}

/**
 * Prices a request that nobody has put a price on: its body by its kind, its response by what the route's responses
 * have buffered lately. Of a route that was not seen yet the response costs a quarter of the budget, and less with each that
 * buffers less: so its first ones are few at a time, and teach what the others cost.
 *
 * What costs more than the budget, but no more than the container can bear beside the idle process, takes all of the
 * budget: one at a time.
 *
 * @param response what its response costs
 * @throws as {@link priceOf} does
 */
export function priceByItself(
  req: HttpRequest,
  declared: number | undefined,
  policy: ResolvedPolicy,
  response: number,
  { capacity, part = capacity, alone }: Bearing,
): Price {
  const guessed = Math.min(response, part)
  if (declared === 0) return guessed === 0 ? FREE : { ...FREE, bytes: guessed, response: guessed }
  const { fixed, perByte } = costOfRead(policy.body === 'stream' ? 'stream' : kindOf(req.headers))
  const costOfBody = (bodyBytes: number): number => Math.ceil(fixed + perByte * bodyBytes)
  // The price of now, whatever the route learns before the body is there. No body is refused for what its response costs:
  // a route that learns from those that come in would never unlearn it.
  const ofLength = (bodyBytes: number): number => {
    const body = costOfBody(bodyBytes)
    return Math.max(body, Math.min(body + guessed, part))
  }
  // How long a body may get whose length nobody knows.
  const longest = perByte > 0 ? Math.max(0, Math.floor((alone - fixed) / perByte)) : undefined
  const maxBody = policy.maxBody ?? (declared === undefined ? longest : undefined)
  const price = priceOf(req, declared, { ...policy, cost: { ofLength }, maxBody }, capacity, alone)
  if (guessed === 0) return price
  const left = declared === undefined ? capacity : Math.max(0, price.bytes - costOfBody(declared))
  const responseBeside = (bodyBytes: number): number => ofLength(bodyBytes) - costOfBody(bodyBytes)
  return { ...price, response: Math.min(guessed, left), responseBeside }
}

/** What a body costs, by the way in which it is read. */
export function costOfRead(read: BodyKind | 'stream'): LinearCost {
  return read === 'stream' ? { fixed: STREAM_WINDOW, perByte: 0 } : defaultCost(read)
}
