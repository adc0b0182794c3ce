import { emptyTally, type Tally } from '../flood/load/outcome.ts'

/** Several runs as one. */
export function pooled(tallies: readonly Tally[]): Tally {
  const pool = emptyTally(0)
  for (const tally of tallies) {
    pool.requests += tally.requests
    pool.answered += tally.answered
    pool.settled += tally.settled
    pool.bytes += tally.bytes
    pool.latenciesMs.push(...tally.latenciesMs)
    for (const [status, count] of Object.entries(tally.byStatus)) {
      pool.byStatus[status] = (pool.byStatus[status] ?? 0) + count
    }
  }
  return pool
}
