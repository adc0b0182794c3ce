import type { Wave } from '../scenarios.ts'
import { count, type Outcome, type Tally } from './outcome.ts'

/**
 * Sends a wave: `concurrency` clients, each one request after another, until all have been sent.
 * Ends early when the server is gone; what was never sent stays unsettled in the tally.
 */
export async function sendWave(
  wave: Wave,
  tally: Tally,
  send: (index: number) => Promise<Outcome>,
  stopped: AbortSignal,
): Promise<void> {
  let next = 0
  let gone = false
  const client = async () => {
    while (next < wave.requests && !gone && !stopped.aborted) {
      const outcome = await send(next++)
      count(tally, outcome)
      gone ||= outcome.status === 'ECONNREFUSED'
    }
  }
  await Promise.all(Array.from({ length: wave.concurrency }, client))
}
