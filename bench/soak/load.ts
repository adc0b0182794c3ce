import { planOf } from './client-plan.ts'
import { runClient } from './random-client.ts'

/** Runs in a process of its own: `load.ts <port> <seed> <clients> <at once>`. @see measureInProcess */
const [port = 0, seed = 0, clients = 0, atOnce = 0] = process.argv.slice(2).map(Number)
const byEnding: Record<string, number> = {}
let next = 0

async function oneAfterAnother(): Promise<void> {
  while (next < clients) {
    const ending = await runClient(port, planOf(seed, next++))
    byEnding[ending] = (byEnding[ending] ?? 0) + 1
    // Nobody is there any more.
    if (ending === 'ECONNREFUSED') return
  }
}

await Promise.all(Array.from({ length: atOnce }, oneAfterAnother))
process.send?.(byEnding, () => process.exit())
