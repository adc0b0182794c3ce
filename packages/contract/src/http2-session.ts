import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { buffer } from 'node:stream/consumers'
import type { NextAnswer, NextClient } from './next-client.ts'

/** One connection of HTTP/2. */
export class Http2Session implements NextClient {
  readonly #session: ClientHttp2Session

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`)
    this.#session.on('error', () => {})
  }

  async next(): Promise<NextAnswer> {
    const stream = this.#session.request({ ':method': 'POST', ':path': '/next', 'content-length': 1 })
    stream.end('1')
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & IncomingHttpStatusHeader]
    await buffer(stream)
    return { status: headers[':status'] as number, retryAfter: headers['retry-after'] }
  }

  leave(): void {
    this.#session.destroy()
  }
}
