import type { ByteBudget } from './byte-budget.ts'
import { PlimsollError } from './errors.ts'
import type { GovernedRequest } from './governed-request.ts'
import type { Shares } from './shares.ts'

/** How many requests of one connection may be open at once, of those that cost anything. */
const PIPELINED = 64

/**
 * Takes what a request costs, if it is free now. Otherwise false: it may wait.
 *
 * @throws `ERR_PLIMSOLL_OVER_SHARE`, `ERR_PLIMSOLL_QUEUE_FULL` where it may not wait either
 */
export function enter(request: GovernedRequest, budget: ByteBudget, shares: Shares | undefined): boolean {
  const { key, price } = request
  const { bytes, response = 0 } = price
  if (request.tryAcquire(bytes)) return true
  if (key !== undefined) shares?.checkMayWait(key, bytes, bytes - response)
  if (!mayWait(request, budget))
    throw new PlimsollError('ERR_PLIMSOLL_QUEUE_FULL', 'Too many requests wait already', { bytes })
  return false
}

/** To wait for one's turn on a connection is no queueing yet, and takes no place from others. */
function mayWait({ connection }: GovernedRequest, budget: ByteBudget): boolean {
  if (connection !== undefined && connection.size > 1) return connection.size <= PIPELINED
  return budget.waiting < budget.queue.limit
}
