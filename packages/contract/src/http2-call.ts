import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { bodyHeaders, Call, type CallHead, isWhole } from './call.ts'
import type { Farewell } from './dial.ts'
import type { Until } from './until.ts'

export class Http2Call extends Call {
  readonly #session: ClientHttp2Session
  readonly #stream: ClientHttp2Stream
  port: number | undefined

  constructor(port: number, head: CallHead, until: Until) {
    super(head, until)
    const { method, path, headers } = head
    this.#session = connect(`http://127.0.0.1:${port}`)
    this.#session.on('connect', (_session, socket) => {
      this.port = socket.localPort
    })
    this.#stream = this.#session.request(
      {
        ':method': method,
        ':path': path,
        ...bodyHeaders(head),
        ...headers,
      },
      { endStream: isWhole(head) },
    )
    this.#stream.on('continue', () => {
      this.continued++
    })
    this.#stream.on('response', headers => this.begin(headers[':status'] as number, headers, this.#stream))
    this.#stream.on('error', () => this.broke())
    this.#stream.on('close', () => {
      this.broke()
      this.#session.destroy()
    })
    this.#session.on('error', () => this.broke())
  }

  write(data: string | Uint8Array): void {
    this.#stream.write(data)
  }

  end(data?: string | Uint8Array): void {
    this.#stream.end(data)
  }

  protected hangUp(how: Farewell): void {
    if (how === 'resets') this.#session.destroy()
    else this.#stream.close(constants.NGHTTP2_CANCEL)
  }
}
