import { renderConfig } from '@plimsoll/haproxy'
import type { Config } from '../pods/haproxy-process.ts'
import type { Contender } from './contenders.ts'
import { BODY_BYTES, BUDGET, COST_OF_BYTE, QUEUE_TIMEOUT_MS } from './workload.ts'

/** What `npx plimsoll haproxy` writes for this budget, told how many at once the server has threads for. */
function ofOurs(port: number, concurrency: number): Config {
  const servers = [{ host: '127.0.0.1', port }]
  const requestSize = BODY_BYTES * COST_OF_BYTE
  return ({ bind, statsSocket }) =>
    renderConfig({
      budget: BUDGET,
      requestSize,
      concurrency,
      queueTimeoutMs: QUEUE_TIMEOUT_MS,
      servers,
      bind,
      statsSocket,
    })
}

/** What somebody writes who knows this load and this server: as many at once as its threads bear, the others wait a while. */
function tunedByHand(port: number, maxconn: number): Config {
  return ({ bind, statsSocket }) => `global
    stats socket ${statsSocket} mode 600 level admin
    maxconn 8000

defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    timeout queue ${QUEUE_TIMEOUT_MS}ms
    timeout http-request 5s

frontend clients
    bind ${bind} backlog 8000
    default_backend servers

backend servers
    server one 127.0.0.1:${port} maxconn ${maxconn}
`
}

/** An HAProxy before the server. */
interface Proxy {
  /** @param most requests at the server at once */
  readonly config: (port: number, most: number) => Config
  /** What is in front of the handler in the server behind it. */
  readonly behind: Contender
}

/** Of those who have one. */
export const proxies: Partial<Record<Contender, Proxy>> = {
  haproxy: { config: tunedByHand, behind: 'nothing' },
  fronted: { config: ofOurs, behind: 'plimsoll' },
}
