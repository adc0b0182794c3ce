import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../soak/random.ts'
import { exchange } from './exchange.ts'
import { drawn } from './kinds.ts'

export interface MixedLoad {
  readonly port: number
  readonly clients: number
  readonly seconds: number
  readonly seed: number
}

/** How many of the clients are at work swings from none to all and back. */
const SWING_MS = 30_000
const LATE_MS = 60_000

/** Requests of all kinds, one after another on kept-alive connections. @returns how many ended how */
export async function sendMixed({
  port,
  clients,
  seconds,
  seed,
}: MixedLoad): Promise<Record<string, number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  const byStatus: Record<string, number> = {}
  const startedMs = performance.now()
  const client = async (_: unknown, index: number): Promise<void> => {
    const random = new Random(seed * 1_000 + index)
    for (;;) {
      const atMs = performance.now() - startedMs
      if (atMs >= seconds * 1_000) return
      const atWork = (1 - Math.cos((2 * Math.PI * atMs) / SWING_MS)) / 2
      if (index >= atWork * clients) {
        await sleep(50)
        continue
      }
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(), LATE_MS)
      const status = await exchange(port, agent, drawn(random), late.signal)
      clearTimeout(timer)
      byStatus[status] = (byStatus[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  agent.destroy()
  return byStatus
}
