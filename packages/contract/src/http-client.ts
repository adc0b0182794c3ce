import { once } from 'node:events'
import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The body read as JSON. */
  json(): Record<string, unknown>
}

/** What to send. Default: a GET, or where there is a body a POST. */
export interface Sending {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string | Buffer
  readonly agent?: Agent
}

/** One request with Node's own client, answered or rejected. A body has a length unless headers say chunked. */
export async function send(port: number, path: string, call: Sending = {}): Promise<Reply> {
  const req = open(port, path, call)
  req.end(call.body)
  return replyTo(req)
}

/** A request that the test writes, ends or destroys by itself. */
export function open(port: number, path: string, call: Sending = {}): ClientRequest {
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
