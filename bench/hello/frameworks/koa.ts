import type { Server } from 'node:http'
import { plimsoll } from '@plimsoll/koa'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { governing, type InFront } from '../in-front.ts'

export function koa(inFront: InFront): Server {
  const app = new Koa()
  const options = governing(inFront)
  const admission = options && plimsoll(options)
  if (admission) app.use(admission)
  app.use(bodyParser())
  app.use(ctx => {
    ctx.body =
      ctx.method === 'POST' ? { read: Object.keys(ctx.request.body as object).length } : { hello: 'world' }
  })
  const server = app.listen(0, '127.0.0.1')
  admission?.governor.attach(server)
  return server
}
