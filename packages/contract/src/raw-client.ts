import { once } from 'node:events'
import { dial, type Farewell, type Line } from './dial.ts'
import type { NextAnswer, NextClient } from './next-client.ts'
import { until as plainUntil, type Until } from './until.ts'

export interface RawClientOptions {
  /** Over TLS. Default false. */
  readonly secure?: boolean
  readonly until?: Until
}

/** A client of HTTP/1 that writes what it likes, in bytes. */
export class RawClient implements NextClient {
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

  static async connect(
    port: number,
    { secure = false, until = plainUntil }: RawClientOptions = {},
  ): Promise<RawClient> {
    const line = dial(port, secure)
    await once(line.socket, secure ? 'secureConnect' : 'connect')
    return new RawClient(line, until)
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
    // Its head is whole.
    await this.receives(/\r\n\r\n/)
    return this.statuses
  }

  /** Waits until the last answer matches. */
  async receives(pattern: RegExp): Promise<void> {
    await this.#until(
      () => pattern.test(this.last),
      () => `${pattern} in ${JSON.stringify(this.last.slice(-500))}`,
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

/** The head of an HTTP/1.1 request as text. */
export function head(method: string, path: string, headers: Record<string, string | number> = {}): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

/** A POST of a body with its length. */
export function post(path: string, body: string): string {
  return head('POST', path, { 'Content-Length': Buffer.byteLength(body) }) + body
}

export const CHUNKED = { 'Transfer-Encoding': 'chunked' }

/** One chunk of a chunked body. */
export function chunk(body: string): string {
  return `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`
}

export const LAST_CHUNK = '0\r\n\r\n'
