import * as asyncSema from './async-sema.ts'
import * as byteBudget from './byte-budget.ts'

/** Nanoseconds a grant from a queue of one length, of rounds that stood side by side. */
export interface GrantRounds {
  readonly byteBudget: number[]
  readonly asyncSema: number[]
}

const waiters = Number(process.argv[2])
// About the same work at each length, but enough rounds at the long ones to see a spread.
const ROUNDS = Math.max(3, Math.min(100, 1_000_000 / waiters))

const rounds: GrantRounds = { byteBudget: [], asyncSema: [] }
// What compiles is the loop, at any length: some short queues do.
for (let round = 0; round < 50; round++) {
  await byteBudget.grants(1_000)
  await asyncSema.grants(1_000)
}
for (let round = 0; round < ROUNDS; round++) {
  rounds.byteBudget.push(nanosecondsEach(await byteBudget.grants(waiters)))
  rounds.asyncSema.push(nanosecondsEach(await asyncSema.grants(waiters)))
}
process.send?.(rounds)

function nanosecondsEach(ms: number): number {
  return (ms * 1e6) / waiters
}
