import { once } from 'node:events'
import { type ClientRequest, request as requestHttp } from 'node:http'
import http2, { type ClientHttp2Stream } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { Readable, type Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Protocol } from '../src/protocol.ts'

export type Headers = Readonly<Record<string, string | number>>

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** One request on its way. */
export interface Exchange {
  /** What the client sends. It may break off once the server has answered. */
  readonly body: Writable
  readonly answer: Promise<Answer>
  /** Resolves when the server says `100 Continue`. */
  readonly goOn: Promise<unknown>
}

/** Speaks one protocol. On HTTP/1 each request has a connection of its own, on HTTP/2 all share one. */
export interface Client {
  send(method: string, path: string, headers?: Headers): Exchange
  close(): void
}

export function connect(protocol: Protocol, port: number, ca: string): Client {
  if (protocol === 'http2') return connectHttp2(port, ca)
  const request = protocol === 'http' ? requestHttp : requestHttps
  const open = new Set<ClientRequest>()
  return {
    send(method, path, headers = {}) {
      const body = request({ host: '127.0.0.1', port, method, path, headers, agent: false, ca })
      body.flushHeaders()
      open.add(body)
      return exchange(body, ([{ statusCode, headers }]) => ({ status: statusCode, headers }))
    },
    close: () => {
      for (const body of open) body.destroy()
    },
  }
}

function connectHttp2(port: number, ca: string): Client {
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca })
  return {
    send(method, path, headers = {}) {
      const body = session.request({ ':method': method, ':path': path, ...headers }, { endStream: false })
      return exchange(body, ([headers]) => ({ status: headers[':status'], headers }), body)
    },
    close: () => session.destroy(),
  }
}

function exchange(
  body: ClientRequest | ClientHttp2Stream,
  // biome-ignore lint/suspicious/noExplicitAny: what events carry
  headOf: (event: any[]) => Omit<Answer, 'body'>,
  stream?: Readable,
): Exchange {
  // What is sent into a connection that the server has closed after its answer.
  body.on('error', () => {})
  const answer = once(body, 'response').then(async event => ({
    ...headOf(event),
    body: await text(stream ?? event[0]),
  }))
  const goOn = once(body, 'continue')
  // News only to those who ask.
  for (const promise of [answer, goOn]) promise.catch(() => {})
  return { body, answer, goOn }
}

export async function ask(
  client: Client,
  method: string,
  path: string,
  { headers, body = '' }: { headers?: Headers; body?: string | Readable } = {},
): Promise<Answer> {
  const exchange = client.send(method, path, headers)
  if (typeof body === 'string') exchange.body.end(body)
  else body.pipe(exchange.body)
  return exchange.answer
}

/** In pieces: Node's HTTP/2 client gives up a stream that is written more than 10 MB at once. */
export function zeros(bytes: number): Readable {
  const piece = Buffer.alloc(64 * 1024)
  return Readable.from(Array<Buffer>(bytes / piece.length).fill(piece))
}
