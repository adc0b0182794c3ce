import http from 'node:http'
import { Content } from '../flood/load/content.ts'
import { upload } from '../flood/load/exchange.ts'
import { BODY_BYTES, PATH } from './workload.ts'

const ROUTE = { method: 'POST', path: PATH } as const

/** Some clients that send one request after another for so long: what a server can do. @returns answers a second */
export async function closedLoop(port: number, clients: number, seconds: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  const content = new Content(0, BODY_BYTES)
  let answered = 0
  const startedMs = performance.now()
  const client = async (): Promise<void> => {
    while (performance.now() - startedMs < seconds * 1_000) {
      const outcome = await upload({ port, agent, timeoutMs: 30_000 }, ROUTE, '', content)
      if (!outcome.answered) throw new Error(`a server that is not overloaded answered ${outcome.status}`)
      answered++
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const took = (performance.now() - startedMs) / 1_000
  agent.destroy()
  return answered / took
}
