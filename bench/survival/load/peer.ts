import http from 'node:http'
import type { Peer } from '../../flood/load/exchange.ts'
import type { Outcome } from '../../flood/load/outcome.ts'

/** Without a byte moved. A row is over sooner. */
const TIMEOUT_MS = 60_000

/** Kept-alive connections, as real clients have: their kernel buffers stay as large as they grew. */
export function peerAt(port: number, signal?: AbortSignal): Peer {
  const agent = new http.Agent({ keepAlive: true })
  return { port, agent, timeoutMs: TIMEOUT_MS, ...(signal && { signal }) }
}

/** @throws where a request alone on the server is not answered: what is measured would be another trouble */
export async function alone(port: number, send: (peer: Peer) => Promise<Outcome>): Promise<void> {
  const peer = peerAt(port)
  const { answered, status } = await send(peer)
  peer.agent.destroy()
  if (!answered) throw new Error(`a request alone on the server got ${status}`)
}
