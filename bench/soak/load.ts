import { planOf } from './client-plan.ts'
import { runClient } from './random-client.ts'

/** Runs in a process of its own: `load.ts <port> <seed> <seconds> <at once>`. @see measureInProcess */
const [port = 0, seed = 0, seconds = 0, atOnce = 0] = process.argv.slice(2).map(Number)
const byEnding: Record<string, number> = {}
let next = 0
const until = performance.now() + seconds * 1_000

async function oneAfterAnother(): Promise<void> {
  while (performance.now() < until) {
    const ending = await runClient(port, planOf(seed, next++))
    byEnding[ending] = (byEnding[ending] ?? 0) + 1
    // Nobody is there any more.
    if (ending === 'ECONNREFUSED') return
  }
}

await Promise.all(Array.from({ length: atOnce }, oneAfterAnother))
process.send?.(byEnding, () => process.exit())
