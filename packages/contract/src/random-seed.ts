import type { Test } from 'tap'

/** The seed of this run's random tests, said in its output; `PLIMSOLL_SEED=…` repeats a run. */
export function randomSeed(t: Pick<Test, 'comment'>): number {
  const seed = Number(process.env.PLIMSOLL_SEED ?? Math.trunc(Math.random() * 2 ** 31))
  t.comment(`PLIMSOLL_SEED=${seed}`)
  return seed
}
