import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Farewell } from './dial.ts'
import type { Until } from './until.ts'

/** A request as a client begins it. */
export interface CallHead {
  readonly method: string
  readonly path: string
  /** Of the body. Left out: a body without a length, where the method has one. */
  readonly length?: number | undefined
  readonly headers?: Readonly<Record<string, string | number>> | undefined
  /** Does not read its answer before `read`. */
  readonly idle?: boolean | undefined
}

/** Whether a request has no body to come. */
export function isWhole({ method, length }: CallHead): boolean {
  return method === 'GET' || method === 'HEAD' || length === 0
}

/** What a request says of its body. Fastify reads no body over HTTP/2 that has neither length nor type. */
export function bodyHeaders({ method, length }: CallHead): Record<string, string | number> {
  if (method === 'GET' || method === 'HEAD') return {}
  return {
    'content-type': 'application/octet-stream',
    ...(length !== undefined && { 'content-length': length }),
  }
}

/** A request of Node's own client, over a connection of its own: what has come back so far. */
export abstract class Call {
  readonly #until: Until
  readonly #head: CallHead
  #body: Readable | undefined
  #reads: boolean
  status: number | undefined
  headers: IncomingHttpHeaders = {}
  text = ''
  /** How often it was told to go on sending its body. */
  continued = 0
  /** Whether the whole answer is in. */
  answered = false
  /** Whether the connection ended first. */
  cut = false
  /** Whether it has left, so that nobody can answer it. */
  left = false

  constructor(head: CallHead, until: Until) {
    this.#head = head
    this.#reads = head.idle !== true
    this.#until = until
  }

  /** Its own, by which the server knows it. */
  abstract readonly port: number | undefined
  abstract write(data: string | Uint8Array): void
  abstract end(data?: string | Uint8Array): void
  protected abstract hangUp(how: Farewell): void

  leave(how: Farewell = 'leaves'): void {
    this.left = true
    this.hangUp(how)
  }

  /** Starts to read its answer. */
  read(): void {
    this.#reads = true
    if (this.#body?.listenerCount('data') === 0) this.#listen(this.#body)
  }

  #listen(body: Readable): void {
    body.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
    })
  }

  /** Waits for the head of the answer: its status. */
  async begun(): Promise<number> {
    await this.#until(() => this.status !== undefined || this.cut, `an answer to ${this}`)
    if (this.status === undefined) throw new Error(`no answer to ${this}: the connection is over`)
    return this.status
  }

  /** Waits for the whole answer: its status. */
  async answer(): Promise<number> {
    const status = await this.begun()
    await this.#until(() => this.answered || this.cut, `the whole answer to ${this}`)
    if (!this.answered) throw new Error(`the answer to ${this} was cut`)
    return status
  }

  /** Waits until the body that has come is `text`. */
  async receives(text: string): Promise<void> {
    await this.#until(
      () => this.text === text,
      () => `"${text}", there is "${this.text.slice(-500)}"`,
    )
  }

  /** Waits until the connection has ended before the answer has. */
  async broken(): Promise<void> {
    await this.#until(() => this.cut, `the cut of ${this}`)
  }

  toString(): string {
    return `${this.#head.method} ${this.#head.path}`
  }

  protected begin(status: number, headers: IncomingHttpHeaders, body: Readable): void {
    this.status = status
    this.headers = headers
    this.#body = body
    body.on('end', () => {
      this.answered = true
    })
    body.on('error', () => this.broke())
    body.on('close', () => this.broke())
    if (this.#reads) this.#listen(body)
  }

  protected broke(): void {
    if (!this.answered) this.cut = true
  }
}
