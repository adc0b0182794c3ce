import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { Governor } from '@plimsoll/core'
import { governing, type InFront } from '../in-front.ts'

export function nodeHttp(inFront: InFront): Server {
  const options = governing(inFront)
  const governor = options && new Governor(options)
  const server = createServer(governor ? governor.listener(hello) : hello)
  governor?.attach(server)
  return server.listen(0, '127.0.0.1')
}

async function hello(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const answer =
    req.method === 'POST' ? { read: Object.keys((await json(req)) as object).length } : { hello: 'world' }
  const body = JSON.stringify(answer)
  res
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}
