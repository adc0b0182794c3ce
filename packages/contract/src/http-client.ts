import { once } from 'node:events'
import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The body read as JSON. */
  json(): Record<string, unknown>
}

export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string | Buffer
  readonly agent?: Agent
}

/** One request with Node's own client, answered or rejected. A body has a length unless headers say chunked. */
export async function send(port: number, path: string, call: Call = {}): Promise<Reply> {
  const req = open(port, path, call)
  req.end(call.body)
  return replyTo(req)
}

/** A request that the test writes, ends or destroys by itself. */
export function open(port: number, path: string, call: Call = {}): ClientRequest {
  const { method = call.body === undefined ? 'GET' : 'POST', headers = {}, agent = false } = call
  // Kept alive, as most clients ask for: a close is the server's doing then.
  const kept = { connection: 'keep-alive', ...headers }
  const req = request({ host: '127.0.0.1', port, path, method, headers: kept, agent })
  // Whoever awaits an answer hears of it there.
  req.on('error', () => {})
  return req
}

export async function replyTo(req: ClientRequest): Promise<Reply> {
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  let text = ''
  res.setEncoding('utf8')
  res.on('data', part => {
    text += part
  })
  await once(res, 'end')
  return {
    status: res.statusCode as number,
    headers: res.headers,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  }
}

/** The head of a request as text, for a bare socket. */
export function head(line: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const fields = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${fields.join('')}\r\n`
}

/** One chunk of a chunked body. */
export function chunk(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
}

/** A bare socket, for what no client library would send. */
export class BareClient {
  readonly socket: Socket
  readonly closed: Promise<unknown>
  received = ''

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = once(socket, 'close')
    socket.setEncoding('latin1')
    socket.on('data', text => {
      this.received += text
    })
    // Cut connections are what these tests are about.
    socket.on('error', () => {})
  }

  static async to(port: number): Promise<BareClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new BareClient(socket)
  }

  write(data: string | Buffer): void {
    this.socket.write(data)
  }

  /** Writes the same again and again, as fast as it is taken, until the connection is over. */
  writeEndlessly(data: Buffer): void {
    const more = (): void => {
      while (this.socket.writable && this.socket.write(data));
    }
    this.socket.on('drain', more)
    more()
  }

  /** Waits until what has been received matches. */
  async reads(pattern: RegExp): Promise<void> {
    await until(
      () => pattern.test(this.received),
      () => `${pattern} in ${JSON.stringify(this.received.slice(0, 500))}`,
    )
  }

  /** The statuses that have been received, in their order. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]))
  }

  destroy(): void {
    this.socket.destroy()
  }
}
