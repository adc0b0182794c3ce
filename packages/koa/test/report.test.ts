import Router from '@koa/router'
import { send, serve, until } from '@plimsoll/contract'
import type { Middleware } from 'koa'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/koa-versions.ts'
import { silent } from './fixtures/silent.ts'

inBoth('the report names routes by their patterns, and without a router by their paths', async (t, Koa) => {
  const governed = plimsoll({ budget: '1MiB', mode: 'observe', logger: silent })
  const { governor } = governed
  const router = new Router({ prefix: '/api' })
  router.get('/files/:id', ctx => {
    ctx.body = 'file'
  })
  router.get(/by-expression/, ctx => {
    ctx.body = 'matched'
  })
  const app = new Koa().use(governed).use(router.routes() as Middleware)
  app.use((ctx, next) => {
    if (ctx.path !== '/without') return next()
    ctx.body = 'no route'
    return undefined
  })
  const { port } = await serve(t, app.callback(), governor)
  for (const path of ['/api/files/1', '/api/files/b', '/api/by-expression', '/without', '/nowhere'])
    await send(port, path)
  await until(() => governor.stats().active === 0, 'the end of all')
  const rows = governor.report().routes.map(({ route, requests }) => [route, requests])
  t.same(Object.fromEntries(rows), {
    'GET /api/files/:id': 2,
    'GET /api/by-expression': 1,
    'GET /without': 1,
  })
})
