import type { GovernedRequest } from './governed-request.ts'
import type { Leftovers } from './leftovers.ts'
import type { HttpResponse } from './request-head.ts'

/** What is less is not worth the trouble. */
const FREE = 64 * 1024

// Shared by all copies of this package in a process.
const OVER = Symbol.for('plimsoll.unattended')

/**
 * Counts what a handler goes on with for a client that has gone. Its request is over, and its bytes are given back; but the
 * handler has them in its hands until it is done: where clients lose their patience, another would come in for each of them,
 * and the work for those who have left grow without end (bench/scale: 1,000 bodies where 42 fit).
 *
 * That it is done is told by the end of its response, which frameworks call though nobody hears it, or by whoever sees the
 * handler end ({@link handlerOver}). What ends by itself with its client does not count: a body that is not whole, and a
 * response that is under way.
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
  const over = (): void => leftovers.over(leftover)
  const end = res.end as (...args: unknown[]) => unknown
  const endAndTell = (...args: unknown[]): unknown => {
    over()
    return end.apply(res, args)
  }
  Object.assign(res, { end: endAndTell, [OVER]: over })
}

/**
 * The handler of a request is done: where its client has left before, what it has in hand counts no more. Its response stays
 * as it is, since to end one that is dead could be seen ('finish'). For adapters. Any number of calls.
 */
export function handlerOver(res: HttpResponse): void {
  const marked = res as { [OVER]?: () => void }
  marked[OVER]?.()
}
