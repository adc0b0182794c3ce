import { type ClientRequest, request } from 'node:http'
import { bodyHeaders, Call, type CallHead } from './call.ts'
import { dial, type Farewell, type Line } from './dial.ts'
import type { Until } from './until.ts'

export class Http1Call extends Call {
  readonly #line: Line
  readonly #req: ClientRequest
  port: number | undefined

  constructor(port: number, secure: boolean, head: CallHead, until: Until) {
    super(head, until)
    this.#line = dial(port, secure)
    this.#line.socket.on('connect', () => {
      this.port = this.#line.socket.localPort
    })
    const { method, path, headers } = head
    this.#req = request({
      method,
      path,
      // Kept alive, as most clients ask for: a close is the server's doing then.
      headers: {
        Connection: 'keep-alive',
        ...bodyHeaders(head),
        ...headers,
      },
      createConnection: () => this.#line.socket,
    })
    this.#req.on('continue', () => {
      this.continued++
    })
    this.#req.on('response', res => this.begin(res.statusCode as number, res.headers, res))
    this.#req.on('error', () => this.broke())
    this.#req.flushHeaders()
  }

  write(data: string | Uint8Array): void {
    this.#req.write(data)
  }

  end(data?: string | Uint8Array): void {
    this.#req.end(data)
  }

  protected hangUp(how: Farewell): void {
    this.#line.hangUp(how)
  }
}
