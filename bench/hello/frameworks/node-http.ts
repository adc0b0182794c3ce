import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { Governor } from '@plimsoll/core'
import type { InFront } from '../contenders.ts'

export function nodeHttp(inFront: InFront): Server {
  const governor = inFront === 'plimsoll' ? new Governor({ budget: '64MiB' }) : undefined
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
