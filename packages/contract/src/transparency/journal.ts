import type { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Exchange } from '../framework.ts'

// Not 'error': who listens to that says that he will answer it.
const OF_REQUEST = ['aborted', 'end', 'close']
const OF_RESPONSE = ['finish', 'close']

/** How long a server may take to see that a client has left. */
const TURNS = 20

/** What happened to one request, in its order: what its handler was told, and what it noted itself. */
export type Page = string[]

/** What the handlers of a server have seen, by the ports of its clients. */
export class Journal {
  readonly #pages = new Map<number, Map<string, Page>>()
  readonly #sockets = new Map<number, Socket>()

  follow(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket.remotePort as number, socket)
    })
  }

  /** Begins the page of a request, and listens to what its handler could. */
  page({ req, res }: Pick<Exchange, 'req' | 'res'>): Page {
    const page: Page = []
    const port = req.socket.remotePort as number
    const pages = this.#pages.get(port) ?? new Map<string, Page>()
    this.#pages.set(port, pages)
    // What stands in another's body has no number, or its.
    let name = String(req.headers['x-number'] ?? 'other')
    while (pages.has(name)) name += ' again'
    pages.set(name, page)
    page.push(`${req.method} ${req.url}`)
    note(req, 'request', OF_REQUEST, page)
    note(res, 'response', OF_RESPONSE, page)
    return page
  }

  /** What was noted of a connection that its client has left, once all have heard of it. */
  async of(port: number): Promise<Record<string, Page>> {
    const socket = this.#sockets.get(port)
    for (let turns = 0; turns < TURNS && !socket?.closed; turns++) await sleep(1)
    // Node does not see it while a body that nobody reads keeps the socket paused.
    socket?.destroy()
    for (let turns = 0; turns < 3; turns++) await turn()
    const pages = this.#pages.get(port) ?? new Map<string, Page>()
    this.#pages.delete(port)
    this.#sockets.delete(port)
    return Object.fromEntries([...pages].sort())
  }
}

function note(of: EventEmitter, name: string, events: readonly string[], page: Page): void {
  for (const event of events) of.on(event, () => page.push(`${name} ${event}`))
}
