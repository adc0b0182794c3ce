import type { PlimsollErrorCode } from './errors.ts'
import type { MemoryLimit } from './memory-limit.ts'
import type { Mode } from './mode.ts'
import type { CostByLength } from './route-policy.ts'

/** How a measure is spread over the requests of a route; 0 where there were none. Off by 1/16 at most. */
export interface Spread {
  /** Half of them are at or below. */
  readonly p50: number
  /** 99 of 100 are at or below. */
  readonly p99: number
  /** The largest of all. */
  readonly max: number
}

/** A cost by the length of the body, in the form that the option `cost` takes. */
export interface LinearCost extends CostByLength {
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
  /** For the option `cost` of the route. */
  readonly cost: LinearCost
  /** What it rests on. */
  readonly evidence: Evidence
  /** How it came about, in words. */
  readonly because: string
}

/**
 * What the requests of one route did besides reading their bodies and answering, all together: how much more work and
 * memory became of them than they asked for.
 */
export interface RouteWork {
  /** Times that its handler was to run: once for each request, and once more for each further pass that was counted. */
  readonly runs: number
  /** Tasks that were begun for them, by `fanOut`. */
  readonly tasks: number
  /** Bytes that were read for them from elsewhere, after decompression; see {@link noteRead}. */
  readonly readBytes: number
  /** Of those, bytes that were declared before they were read. */
  readonly declaredBytes: number
  /** Pieces of held work that are over, and went on after their client had left. */
  readonly outlived: number
  /** For how long they did, all together, in milliseconds. */
  readonly outlivedMs: number
}

/**
 * What the requests of one route were like. What they buffered is measured of all, and so is all else of those that are
 * observed; where the governor acts, that of the route's first 256 requests, and then of one in sixteen.
 */
export interface RouteReport {
  /** Method and pattern, as `POST /files/:id`; where the framework tells none, a path with `*` for what varies. */
  readonly route: string
  /** Requests that are over. */
  readonly requests: number
  /** Bytes of their bodies, as declared; of those that declared any length. */
  readonly declaredBytes: Spread
  /** Bytes of their bodies that arrived. */
  readonly readBytes: Spread
  /** Most bytes that each held of the budget; what was guessed for a response counts as far as it was used. */
  readonly reservedBytes: Spread
  /** Most bytes that each response had in its buffers; up to 16 KiB, which cost nothing, count as 0. */
  readonly bufferedBytes: Spread
  /** How long each held its bytes, in milliseconds. */
  readonly heldMs: Spread
  /** Requests that waited; when observed: that would have. */
  readonly queued: number
  /** How long they waited, or would have, in milliseconds. */
  readonly waitedMs: Spread
  /** Requests that were refused, or would have been, by the code of the error. */
  readonly refused: Readonly<Partial<Record<PlimsollErrorCode, number>>>
  /** What became of them besides; left out where none of them did any of it. */
  readonly work?: RouteWork
  /** What it should cost. */
  readonly recommended: RecommendedCost
}

/** A budget that a governor should have. */
export interface RecommendedBudget {
  /** For the option `budget`. */
  readonly bytes: number
  /** What it rests on. */
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
  /** Whether the governor acts, as it was made; a route may have a mode of its own. */
  readonly mode: Mode
  /** Bytes of the budget, as configured. */
  readonly budget: number
  /** Bytes that all requests together held or waited for, as each was admitted that cost anything. */
  readonly demandBytes: Spread
  /** What the process has, and takes. */
  readonly memory: {
    /** What it has to fit in. */
    readonly limit: MemoryLimit
    /** Resident bytes of the process when the governor was made. */
    readonly idleBytes: number
    /** Resident bytes now. */
    readonly residentBytes: number
  }
  /** Those with the largest cost come first. */
  readonly routes: readonly RouteReport[]
  /** What all routes together should have. */
  readonly recommended: RecommendedBudget
}
