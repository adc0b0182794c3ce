import { sendHonest } from '../../fairness/load/honest-requests.ts'
import type { Honest } from '../../fairness/scenarios.ts'
import { emptyTally } from '../../flood/load/outcome.ts'
import type { Played } from './protocol.ts'

/** Whoever has no answer so long after the load is over gets none. */
const PATIENCE_MS = 2_000

/** Twenty a second, each on a connection of its own, so that connecting is in what is measured. */
const small: Honest = {
  name: '4 KiB uploads',
  kind: 'upload',
  bytes: 4 * 2 ** 10,
  startMs: 0,
  everyMs: 50,
  asks: {},
}

/** Small requests, gently, until it is told to stop. They retry nothing. */
export async function probe(port: number, over: AbortSignal): Promise<Played> {
  const stop = new AbortController()
  const tally = emptyTally(0)
  over.addEventListener('abort', () => setTimeout(() => stop.abort(), PATIENCE_MS).unref())
  const startedMs = performance.now()
  await sendHonest(port, small, tally, { stop: stop.signal, over })
  return { tally, elapsedMs: performance.now() - startedMs }
}
