import http from 'node:http'
import { Content } from '../../flood/load/content.ts'
import { upload } from '../../flood/load/exchange.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import type { Command, Ended, MixedLoad, Report } from './protocol.ts'
import { sizes } from './sizes.ts'

const TIMEOUT_MS = 120_000

let stopped = false
process.on('message', (command: Command) => {
  if (command.type === 'stop') stopped = true
  else run(command.load).catch((error: Error) => report({ type: 'failed', reason: error.message }))
})
process.on('disconnect', () => process.exit())

async function run({ port, clients, requests = Number.POSITIVE_INFINITY, seed }: MixedLoad): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  const peer = { port, agent, timeoutMs: TIMEOUT_MS }
  const size = sizes(seed)
  const ended: Ended[] = []
  let next = 0
  let answered = 0
  const progress = setInterval(() => report({ type: 'progress', answered }), 100)
  const client = async (): Promise<void> => {
    while (next < requests && !stopped) {
      next++
      const bytes = size.next().value
      // One object of each size, since pods keep them in memory: 21 MiB of all.
      const outcome = await upload(peer, objectStoreRoutes.upload, String(bytes), new Content(0, bytes))
      if (outcome.answered) answered++
      const { status, latencyMs } = outcome
      ended.push({ atMs: Date.now(), bytes, latencyMs, status, answered: outcome.answered })
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: clients }, client))
  const seconds = (performance.now() - startedMs) / 1000
  clearInterval(progress)
  agent.destroy()
  report({ type: 'over', seconds, ended })
}

function report(message: Report): void {
  process.send?.(message)
}
