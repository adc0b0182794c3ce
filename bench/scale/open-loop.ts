import http from 'node:http'
import { Content } from '../flood/load/content.ts'
import { upload } from '../flood/load/exchange.ts'
import { Random } from '../soak/random.ts'
import { BODY_BYTES, PATH, PATIENCE_MS } from './workload.ts'

export interface OpenLoop {
  readonly port: number
  readonly perSecond: number
  readonly seconds: number
  /** Of the bodies. Default: what the server is made for. */
  readonly bytes?: number
  /** The same seed, the same moments. */
  readonly seed: number
}

/** One request, from its arrival on. */
export interface Arrival {
  readonly atMs: number
  readonly latencyMs: number
  /** The status, the error's code, or why there was none. */
  readonly status: string
  readonly answered: boolean
}

/** More are not sent: the client must bear them too. They count as arrived, and as not answered. */
const MOST_OPEN = 5_000
const MOST_ARRIVALS = 50_000
/** From as many addresses, each of which has its own ports: a connection each leaves them in use for a minute. */
const ADDRESSES = 16
const ROUTE = { method: 'POST', path: PATH } as const

/** Requests that come whatever became of those before, each on a connection of its own: one in each slot of equal length, at a random moment. */
export async function openLoop({ port, perSecond, seconds, bytes, seed }: OpenLoop): Promise<Arrival[]> {
  const random = new Random(seed)
  const total = Math.min(MOST_ARRIVALS, Math.round(perSecond * seconds))
  const due = Array.from({ length: total }, (_, slot) => ((slot + random.next()) * 1_000) / perSecond)
  const content = new Content(0, bytes ?? BODY_BYTES)
  const arrivals: Promise<Arrival>[] = []
  let open = 0
  const startedMs = performance.now()
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      // One that was late makes up for it.
      const now = performance.now() - startedMs
      while (arrivals.length < total && (due[arrivals.length] as number) <= now) {
        const atMs = due[arrivals.length] as number
        arrivals.push(open < MOST_OPEN ? send(arrivals.length, atMs) : Promise.resolve(notSent(atMs)))
      }
      if (arrivals.length < total) return
      clearInterval(timer)
      resolve()
    }, 2)
  })
  return Promise.all(arrivals)

  async function send(index: number, atMs: number): Promise<Arrival> {
    open++
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), PATIENCE_MS)
    const agent = new http.Agent({ keepAlive: false })
    const address = `127.0.0.${2 + (index % ADDRESSES)}`
    const peer = { port, agent, address, timeoutMs: PATIENCE_MS * 2, signal: patience.signal }
    const { status, answered, latencyMs } = await upload(peer, ROUTE, '', content)
    clearTimeout(timer)
    agent.destroy()
    open--
    return { atMs, latencyMs, status: status === 'ABORT_ERR' ? 'no answer' : status, answered }
  }
}

function notSent(atMs: number): Arrival {
  return { atMs, latencyMs: 0, status: 'not sent', answered: false }
}
