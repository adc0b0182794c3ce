import type { GovernedRequest } from './governed-request.ts'
import type { Leftovers } from './leftovers.ts'

/** What is less is not worth the trouble. */
const FREE = 64 * 1024

/**
 * Counts what a handler goes on with for a client that has gone. Its request is over, and its bytes are given back; but the
 * handler has them in its hands until it is done: where clients lose their patience, another would come in for each of them,
 * and the work for those who have left grow without end (bench/scale: 1,000 bodies where 42 fit).
 *
 * That it is done is told by the end of its response, which all frameworks call though nobody hears it. What ends by
 * itself with its client does not count: a body that is not whole, and a response that is under way.
 */
export function countUnattended(
  { price, reader, res }: Pick<GovernedRequest, 'price' | 'reader' | 'res'>,
  bytes: number,
  leftovers: Leftovers,
): void {
  // What was guessed for its response there will never be.
  const held = bytes - (price.response ?? 0)
  if (held <= FREE || reader?.complete === false || res.headersSent || res.writableEnded) return
  const leftover = leftovers.leave(held)
  const end = res.end as (...args: unknown[]) => unknown
  const endAndTell = (...args: unknown[]): unknown => {
    leftovers.over(leftover)
    return end.apply(res, args)
  }
  Object.assign(res, { end: endAndTell })
}
