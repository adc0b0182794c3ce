import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import { pipeline } from 'node:stream'
import { buffer, json } from 'node:stream/consumers'
import { Governor } from '@plimsoll/core'
import protect from 'overload-protection'
import { download, downloadHeaders, hello } from '../answers.ts'
import type { Protocol } from '../contenders.ts'
import { governing, type InFront, overloadLimits } from '../in-front.ts'
import { listening } from '../listening.ts'

export function nodeHttp(inFront: InFront, protocol: Protocol = 'HTTP/1'): Promise<Server | Http2Server> {
  const options = governing(inFront)
  const governor = options && new Governor(options)
  const handler = inFront === 'overload-protection' ? overloadProtected(answer) : answer
  const listener = governor ? governor.listener(handler) : handler
  // The compatible API of node:http2, whose types differ.
  const server =
    protocol === 'HTTP/2'
      ? createHttp2Server(listener as unknown as Parameters<typeof createHttp2Server>[1])
      : createServer(listener)
  governor?.attach(server)
  return listening(server)
}

function overloadProtected(handler: RequestListener): RequestListener {
  // Without `next`, which its types want, it says whether it has refused.
  const refuses = protect('http', overloadLimits) as unknown as (
    ...of: Parameters<RequestListener>
  ) => boolean
  return (req, res) => {
    if (!refuses(req, res)) handler(req, res)
  }
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.url === '/download') {
    res.writeHead(200, downloadHeaders)
    pipeline(download(), res, () => {})
    return
  }
  const body = JSON.stringify(await told(req))
  res
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}

async function told(req: IncomingMessage): Promise<object> {
  if (req.method !== 'POST') return hello
  if (req.url === '/upload') return { read: (await buffer(req)).length }
  return { read: Object.keys((await json(req)) as object).length }
}
