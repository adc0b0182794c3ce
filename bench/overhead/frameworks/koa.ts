import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import { plimsoll } from '@plimsoll/koa'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import protect from 'overload-protection'
import readWhole from 'raw-body'
import { download, downloadHeaders, hello } from '../answers.ts'
import type { Protocol } from '../contenders.ts'
import { governing, type InFront, overloadLimits } from '../in-front.ts'
import { listening } from '../listening.ts'

export function koa(inFront: InFront, protocol: Protocol): Promise<Server | Http2Server> {
  const app = new Koa()
  const options = governing(inFront)
  const admission = options && plimsoll(options)
  if (admission) app.use(admission)
  if (inFront === 'overload-protection') app.use(protect('koa', overloadLimits))
  app.use(bodyParser())
  app.use(async ctx => {
    if (ctx.path === '/download') {
      ctx.set({ 'content-type': downloadHeaders['content-type'] })
      ctx.body = download()
      ctx.length = downloadHeaders['content-length']
    } else if (ctx.path === '/upload') {
      ctx.body = { read: (await readWhole(ctx.req, { length: ctx.get('content-length') })).length }
    } else {
      ctx.body = ctx.method === 'POST' ? { read: Object.keys(ctx.request.body as object).length } : hello
    }
  })
  const server = protocol === 'HTTP/2' ? createHttp2Server(app.callback()) : createServer(app.callback())
  admission?.governor.attach(server)
  return listening(server)
}
