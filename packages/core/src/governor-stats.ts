import type { Lane } from './byte-budget.ts'
import type { PlimsollErrorCode } from './errors.ts'
import type { ObservedStats } from './observer.ts'

/** A governor's figures at one moment: bytes and requests now, and counts since the start. */
export interface GovernorStats {
  /** Bytes that may be reserved at once. */
  readonly capacity: number
  /** Bytes that newcomers may fill: less than the capacity while memory is short. */
  readonly ceiling: number
  /** Bytes reserved. More than `capacity` is a debt. */
  readonly reserved: number
  /**
   * Bytes reserved no more that the kernel still has, since clients have not taken their responses yet; where Linux tells.
   * Beyond an eighth of the capacity, or 8 MiB where that is more, newcomers find so much less room.
   */
  readonly departed: number
  /** Bytes that a newcomer finds free; 0 in debt. */
  readonly available: number
  /** Of the bytes reserved, those that have arrived. */
  readonly paidIn: number
  /** Bytes that slow clients were promised and do not send, lent to others; not among the reserved. */
  readonly lent: number
  /** The lane of small requests: bytes beside the capacity, and how many of them are reserved. */
  readonly lane: Lane
  /** Bytes of requests that cost more than the capacity, beside it: those of a worker of node:cluster, in its turn. */
  readonly giants: number
  /**
   * Bytes of requests that are over, in memory all the same: of handlers that go on for clients that have gone. Of what is
   * more than a quarter of the capacity newcomers wait for the end.
   */
  readonly leftOver: number
  /** Requests admitted and not released. */
  readonly active: number
  /** Requests that wait for their turn or, by `requeue`, for their bytes. */
  readonly waiting: number
  /** Keys that hold something or wait, where there is a `share`. */
  readonly keys: number
  /** Requests that were admitted, at once or later. */
  readonly admitted: number
  /** Requests that had to wait. */
  readonly queued: number
  /** Requests that were admitted and are over. */
  readonly released: number
  /** Requests stopped at a point they had passed before, by calling next() twice; see `RunOnce`. */
  readonly repeated: number
  /** Connections open on the servers that are attached; those that linger after a refusal are not among them. */
  readonly connections: number
  /** Connections that had asked for nothing for longest, and were closed to make room. */
  readonly connectionsClosed: number
  /** Connections that were refused, since all others were in use. */
  readonly connectionsRefused: number
  /** Requests refused, by the code of the error. */
  readonly refused: Readonly<Partial<Record<PlimsollErrorCode, number>>>
  /** What would have become of the requests that were only observed. */
  readonly observed: ObservedStats
}
