import { once } from 'node:events'
import { dial, type Farewell, type Line } from './dial.ts'
import type { NextAnswer, NextClient } from './next-client.ts'
import { until as plainUntil, type Until } from './until.ts'

export interface BareClientOptions {
  /** Over TLS. Default false. */
  readonly secure?: boolean
  readonly until?: Until
}

/** A client of HTTP/1 on a bare socket, for what no client library would send. */
export class BareClient implements NextClient {
  readonly #line: Line
  readonly #until: Until
  received = ''
  /** Whether it has left, so that nobody can answer it. */
  left = false
  /** Its own, by which the server knows it. */
  readonly port: number | undefined

  private constructor(line: Line, until: Until) {
    this.#line = line
    this.#until = until
    this.port = line.socket.localPort
    line.socket.setEncoding('latin1')
    line.socket.on('data', (text: unknown) => {
      this.received += text
    })
  }

  static async to(
    port: number,
    { secure = false, until = plainUntil }: BareClientOptions = {},
  ): Promise<BareClient> {
    const line = dial(port, secure)
    await once(line.socket, secure ? 'secureConnect' : 'connect')
    return new BareClient(line, until)
  }

  /** Whether the connection is over. */
  get over(): boolean {
    return this.#line.socket.destroyed
  }

  /** The statuses of the answers that have come in, in their order. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]))
  }

  /** The last answer that has come in, its head included. */
  get last(): string {
    return this.received.slice(this.received.lastIndexOf('HTTP/1.1 '))
  }

  write(data: string | Uint8Array): void {
    this.#line.socket.write(data)
  }

  /** Writes the same again and again, as fast as it is taken, until the connection is over. */
  writeEndlessly(data: Uint8Array): void {
    const { socket } = this.#line
    const more = (): void => {
      while (socket.writable && socket.write(data));
    }
    socket.on('drain', more)
    more()
  }

  /** Stops reading. */
  pause(): void {
    this.#line.socket.pause()
  }

  resume(): void {
    this.#line.socket.resume()
  }

  /** Waits for as many answers. */
  async answers(count: number): Promise<number[]> {
    await this.#until(
      () => this.statuses.length >= count,
      () => `${count} answers, ${this.statuses} came${this.over ? ' and the connection is over' : ''}`,
    )
    await this.#until(() => this.last.includes('\r\n\r\n'), 'the whole head of an answer')
    return this.statuses
  }

  /** Waits until what has been received matches. */
  async reads(pattern: RegExp): Promise<void> {
    await this.#until(
      () => pattern.test(this.received),
      () => `${pattern} in ${JSON.stringify(this.received.slice(-500))}`,
    )
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.over, 'the end of the connection')
  }

  leave(how: Farewell = 'leaves'): void {
    this.left = true
    this.#line.hangUp(how)
  }

  async next(): Promise<NextAnswer> {
    const count = this.statuses.length + 1
    this.write(post('/next', '1'))
    const statuses = await this.answers(count)
    return { status: statuses[count - 1] as number, retryAfter: /retry-after: (\S+)/i.exec(this.last)?.[1] }
  }
}

/** The head of a request as text. */
export function head(line: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const fields = Object.entries({ Host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${line} HTTP/1.1\r\n${fields.join('')}\r\n`
}

/** A POST of a body with its length. */
export function post(path: string, body: string): string {
  return head(`POST ${path}`, { 'Content-Length': Buffer.byteLength(body) }) + body
}

export const CHUNKED = { 'Transfer-Encoding': 'chunked' }

/** One chunk of a chunked body. */
export function chunk(piece: string): string
export function chunk(piece: Buffer): Buffer
export function chunk(piece: string | Buffer): string | Buffer {
  const size = `${Buffer.byteLength(piece).toString(16)}\r\n`
  return typeof piece === 'string'
    ? `${size}${piece}\r\n`
    : Buffer.concat([Buffer.from(size), piece, Buffer.from('\r\n')])
}

export const LAST_CHUNK = '0\r\n\r\n'
