import type { Machine } from '../machine.ts'
import type { Spread } from '../statistics.ts'

export interface Comparison {
  readonly byteBudgetNs: Spread
  readonly asyncSemaNs: Spread
  /** ByteBudget over async-sema: below 1 is faster. */
  readonly ratio: Spread
}

export interface SemaphoreRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly processes: number
  /** One `tryAcquire` with its `release`. */
  readonly pair: Comparison
  /** From one release to the next, through the waiter that continues between them. */
  readonly grants: readonly (Comparison & { readonly waiters: number })[]
}

/** How much a grant's price depends on the queue's length: the dearest over the cheapest, 1 is flat. */
export function flatness(run: SemaphoreRun, which: 'byteBudgetNs' | 'asyncSemaNs'): number {
  const medians = run.grants.map(grant => grant[which].median)
  return Math.max(...medians) / Math.min(...medians)
}
