import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** What a collector may do to an export. All but the first happen, in this order of frequency, in production. */
export const COLLECTOR_MODES = [
  'answer',
  'hang',
  'unavailable',
  'too many',
  'too large',
  'reset',
  'trickle',
] as const

export type CollectorMode = (typeof COLLECTOR_MODES)[number]

interface Exported {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly Received[] }[]
  }[]
}

/** A span as it came, of which these are looked at. */
export interface Received {
  readonly name: string
  readonly traceId: string
  readonly attributes: readonly {
    readonly key: string
    readonly value: {
      readonly intValue?: number
      readonly doubleValue?: number
      readonly stringValue?: string
    }
  }[]
}

const STATUS: Readonly<Partial<Record<CollectorMode, number>>> = {
  unavailable: 503,
  'too many': 429,
  'too large': 413,
}

/** Stands in for an OpenTelemetry collector: takes OTLP over HTTP as JSON, or does one of the things that collectors do. */
export class Collector {
  mode: CollectorMode = 'answer'
  /** Seconds, with 429 and 503. */
  retryAfter: number | undefined
  /** In the mode 'too large': bytes from which on it is. */
  largest = 0
  /** Told of the spans of each export that it takes. */
  onSpans: (spans: readonly Received[]) => void = () => {}
  /** How many spans it has taken. */
  spans = 0
  /** How many exports came, whatever became of them. */
  exports = 0
  readonly #server: Server

  private constructor() {
    this.#server = createServer((req, res) => void this.#take(req, res))
  }

  static async start(port = 0): Promise<Collector> {
    const collector = new Collector()
    await new Promise<void>(resolve => collector.#server.listen(port, '127.0.0.1', resolve))
    return collector
  }

  /** Where to send spans. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`
  }

  /** What a restart does to those who wait for it. */
  cutAll(): void {
    this.#server.closeAllConnections()
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.cutAll()
    await closed
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.exports++
    const { mode } = this
    if (mode === 'reset') {
      req.socket.resetAndDestroy()
      return
    }
    try {
      // Read in any case: who answers without, or hangs, makes its client wait for its own sending.
      const body = (await json(req)) as Exported
      const length = Number(req.headers['content-length'] ?? JSON.stringify(body).length)
      if (mode === 'answer' || (mode === 'too large' && length < this.largest)) this.#answer(res, body)
      else if (mode === 'trickle') trickle(res)
      else if (mode !== 'hang') {
        const headers = this.retryAfter === undefined ? {} : { 'retry-after': String(this.retryAfter) }
        res.writeHead(STATUS[mode] as number, headers).end()
      }
    } catch {
      // Its client is gone.
      res.destroy()
    }
  }

  #answer(res: ServerResponse, { resourceSpans = [] }: Exported): void {
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    this.spans += spans.length
    this.onSpans(spans)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
}

/** An answer that never ends, of a byte now and then: no time-out for silence ever sees it. */
function trickle(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => res.write(' '), 100)
  res.once('close', () => clearInterval(timer))
}
