import * as asyncSema from './async-sema.ts'
import * as byteBudget from './byte-budget.ts'

/** Nanoseconds a pair, of rounds that stood side by side. */
export interface PairRounds {
  readonly byteBudget: number[]
  readonly asyncSema: number[]
}

const ROUNDS = 15
const PAIRS = 5_000_000

const rounds: PairRounds = { byteBudget: [], asyncSema: [] }
// Two rounds to compile, which are thrown away.
for (let round = -2; round < ROUNDS; round++) {
  const ours = timed(byteBudget.pairs)
  const theirs = timed(asyncSema.pairs)
  if (round < 0) continue
  rounds.byteBudget.push(ours)
  rounds.asyncSema.push(theirs)
}
process.send?.(rounds)

function timed(pairs: (n: number) => void): number {
  const started = performance.now()
  pairs(PAIRS)
  return ((performance.now() - started) * 1e6) / PAIRS
}
