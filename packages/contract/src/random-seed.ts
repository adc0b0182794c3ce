import type { Test } from 'tap'

/** What a run begins with unless it is told otherwise, so that a red run is red because of its commit. */
const USUAL = 20_261_121

/** The seed of this run's random tests, said in its output; `PLIMSOLL_SEED=…` sets another. */
export function randomSeed(t: Pick<Test, 'comment'>): number {
  const seed = Number(process.env.PLIMSOLL_SEED ?? USUAL)
  t.comment(`PLIMSOLL_SEED=${seed}`)
  return seed
}
