import type { Waiter } from '../../packages/core/src/wait-queue.ts'

/** A request on its way. What core's queue notes of who waits is a part of it. */
export class Request implements Waiter {
  readonly arrivedAt: number
  readonly bytes: number
  readonly proxy: number
  /** At which pod, once it was sent to one. */
  pod = -1
  /** When it began to wait where it waits now; -1 where it does not. */
  waitsSince = -1
  /** Whether it ever waited. */
  queued = false
  /** Whether its bytes are in the lane of small ones. */
  inLane = false
  turn = 0
  passedBefore = 0
  line = 0
  place = 0

  constructor(arrivedAt: number, bytes: number, proxy: number) {
    this.arrivedAt = arrivedAt
    this.bytes = bytes
    this.proxy = proxy
  }
}
