import { contenderNamed } from './contenders.ts'
import type { Question } from './questions.ts'
import { cancel, free, mixed, type Round, waiting } from './rounds.ts'

/** One question to one contender: `measure.ts <contender> <question> <seconds of each length> <lengths…>`. */
const [name = '', question = '', seconds, ...lengths] = process.argv.slice(2)
const contender = contenderNamed(name)
const FEWEST_ROUNDS = 3
const MOST_ROUNDS = 1_000
/** Times the seconds: whose rounds take so long has fewer of them. */
const SLOW = 4

/** One round, told as soon as it is over: whoever takes too long for a length has told those before. */
export interface RoundReport {
  readonly length: number
  readonly round: Round
}

// What compiles is the loop, at any length: some short queues do.
const warmUntil = performance.now() + Number(seconds) * 1_000
while (performance.now() < warmUntil) await roundOf(question === 'free' ? 1_000 : 100)
process.send?.('warm')
for (const length of lengths.map(Number)) {
  const n = question === 'free' ? await longEnough() : length
  const started = performance.now()
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    const took = (performance.now() - started) / 1_000 / Number(seconds)
    if (took > 1 && (rounds >= FEWEST_ROUNDS || took > SLOW)) break
    const round = await roundOf(n)
    process.send?.({ length, round } satisfies RoundReport)
  }
}
process.disconnect?.()

/** How many at once take a tenth of the time. */
async function longEnough(): Promise<number> {
  for (let n = 1_000; ; n *= 2) {
    const started = performance.now()
    await free(contender, n)
    if (performance.now() - started > Number(seconds) * 100) return n
  }
}

/**
 * No gc() before it, tidy as it would be: a full collection also throws compiled code away, and a grant from a
 * queue of 1,000 then takes 3 µs instead of 60 ns.
 */
function roundOf(n: number): Promise<Round> {
  switch (question as Question) {
    case 'free':
      return free(contender, n)
    case 'waiting':
      return waiting(contender, n)
    case 'cancel':
      return cancel(contender, n)
    case 'mixed':
      return mixed(contender, n)
  }
}
