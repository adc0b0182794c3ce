import type { PlimsollErrorCode } from './errors.ts'
import type { MemoryLimit } from './memory-limit.ts'

/** Whether a governor acts, or only tells what it would do. */
export type Mode = 'enforce' | 'observe'

/** How a measure is spread over the requests of a route; 0 where there were none. Off by 1/16 at most. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** A cost by the length of the body: what an option `cost` takes, too. */
export interface LinearCost {
  /** Bytes for each request. */
  readonly fixed: number
  /** Bytes for each byte of its body. */
  readonly perByte: number
}

/** What a recommendation rests on. */
export interface Evidence {
  /** Requests that were measured. */
  readonly requests: number
  /** Such a part of all requests it is meant to cover, in percent. */
  readonly percentile: number
  /** How sure that is: the probability, 0 to 1, that so many requests have shown the percentile. */
  readonly confidence: number
}

/** A cost that a route should have. */
export interface RecommendedCost {
  readonly cost: LinearCost
  readonly evidence: Evidence
  /** How it came about, in words. */
  readonly because: string
}

/** What the requests of one route were like. */
export interface RouteReport {
  /** Method and pattern, as `POST /files/:id`; where the framework tells none, a path with `*` for what varies. */
  readonly route: string
  /** Requests that are over. */
  readonly requests: number
  /** Bytes of their bodies, as declared; of those that declared any length. */
  readonly declaredBytes: Spread
  /** Bytes of their bodies that arrived. */
  readonly readBytes: Spread
  /** Most bytes that each held of the budget. */
  readonly reservedBytes: Spread
  /** Most bytes that each response had in its buffers. */
  readonly bufferedBytes: Spread
  /** How long each held its bytes, in milliseconds. */
  readonly heldMs: Spread
  /** Requests that waited; when observed: that would have. */
  readonly queued: number
  /** How long they waited, or would have, in milliseconds. */
  readonly waitedMs: Spread
  /** Requests that were refused, or would have been, by the code of the error. */
  readonly refused: Readonly<Partial<Record<PlimsollErrorCode, number>>>
  readonly recommended: RecommendedCost
}

/** A budget that a governor should have. */
export interface RecommendedBudget {
  readonly bytes: number
  readonly evidence: Evidence
  /** How it came about, in words. */
  readonly because: string
}

/** What a governor has measured since it was made. */
export interface GovernorReport {
  /** When it was made, as ISO 8601. */
  readonly at: string
  /** What it covers, in milliseconds. */
  readonly forMs: number
  readonly mode: Mode
  /** Bytes of the budget, as configured. */
  readonly budget: number
  /** Bytes that all requests together would have held at their cost, over time. */
  readonly demandBytes: Spread
  readonly memory: {
    readonly limit: MemoryLimit
    /** Resident bytes of the process when the governor was made. */
    readonly idleBytes: number
    /** Resident bytes now. */
    readonly residentBytes: number
  }
  /** Those with the largest cost come first. */
  readonly routes: readonly RouteReport[]
  readonly recommended: RecommendedBudget
}
