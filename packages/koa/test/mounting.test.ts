import { AsyncLocalStorage } from 'node:async_hooks'
import Router from '@koa/router'
import { type Reply, send, serve, until } from '@plimsoll/contract'
import { Governor } from '@plimsoll/core'
import type Koa from 'koa'
import type { Context, Middleware } from 'koa'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/koa-versions.ts'
import { silent } from './fixtures/silent.ts'

const KiB = 1024

/** Answers with what the request holds. */
function held(ctx: Context): void {
  ctx.body = { bytes: ctx.plimsoll.bytes, released: ctx.plimsoll.released }
}

async function bytesOf(reply: Promise<Reply>): Promise<unknown> {
  const { status, json } = await reply
  return status === 200 ? json().bytes : status
}

inBoth('mounted once, it governs every request, 404s too', async (t, Koa) => {
  const governed = plimsoll({ budget: '1MiB', logger: silent })
  const app = new Koa().use(governed)
  app.use((ctx, next) => (ctx.path === '/' ? held(ctx as Context) : next()))
  const { port } = await serve(t, app.callback(), governed.governor)
  t.equal(await bytesOf(send(port, '/', { body: 'seven b' })), 7)
  t.equal((await send(port, '/nowhere', { body: 'x' })).status, 404)
  t.equal((await send(port, '/nowhere', { body: Buffer.alloc(1024 * KiB + 1) })).status, 413)
  t.equal(governed.governor.stats().admitted, 2)
})

inBoth('on one route, it leaves the others alone', async (t, Koa) => {
  const governor = new Governor({ budget: '64KiB', logger: silent })
  const router = new Router()
  router.post('/governed', plimsoll({ governor, cost: '10KiB' }), held)
  router.post('/free', ctx => {
    ctx.body = String(ctx.plimsoll === undefined)
  })
  const app = new Koa().use(router.routes() as Middleware)
  const { port } = await serve(t, app.callback(), governor)
  t.equal(await bytesOf(send(port, '/governed', { body: 'x' })), 10 * KiB)
  t.equal((await send(port, '/free', { body: Buffer.alloc(65 * KiB) })).text, 'true')
  t.equal(governor.stats().admitted, 1)
})

inBoth('a route\u2019s own policy adjusts what the application\u2019s has reserved', async (t, Koa) => {
  const governed = plimsoll({ budget: '64KiB', maxBody: '2KiB', logger: silent })
  const { governor } = governed
  const router = new Router({ prefix: '/api' })
  router.get('/costs', plimsoll({ governor, cost: '10KiB' }), held)
  router.post('/costs-less', plimsoll({ governor, cost: 1 }), held)
  router.post('/exempt', plimsoll({ governor, exempt: true }), held)
  router.post('/stream', plimsoll({ governor, body: 'stream' }), held)
  router.post('/smaller', plimsoll({ governor, maxBody: 10 }), held)
  router.post('/needs-length', plimsoll({ governor, requireLength: true }), held)
  router.get('/never', plimsoll({ governor, cost: '65KiB' }), held)
  router.post('/twice', plimsoll({ governor, cost: 20 }), plimsoll({ governor, cost: 30 }), held)
  const app = new Koa().use(governed).use(router.routes() as Middleware)
  const { port } = await serve(t, app.callback(), governor)
  const body = 'x'.repeat(100)
  const chunked = { 'transfer-encoding': 'chunked' }
  t.equal(await bytesOf(send(port, '/api/costs')), 10 * KiB)
  t.equal(await bytesOf(send(port, '/api/costs-less', { body })), 1)
  t.equal(await bytesOf(send(port, '/api/exempt', { body })), 0)
  t.equal(await bytesOf(send(port, '/api/stream', { body })), 100)
  t.equal(await bytesOf(send(port, '/api/smaller', { body })), 413)
  t.equal(await bytesOf(send(port, '/api/needs-length', { body, headers: chunked })), 411)
  t.equal(await bytesOf(send(port, '/api/never')), 503)
  t.equal(await bytesOf(send(port, '/api/twice', { body })), 30)
  t.match(governor.stats().refused, {
    ERR_PLIMSOLL_BODY_TOO_LARGE: 1,
    ERR_PLIMSOLL_LENGTH_REQUIRED: 1,
    ERR_PLIMSOLL_COST_OVER_BUDGET: 1,
  })
})

/** As koa-mount does it: runs an application's middleware within another's, with a path of its own. */
function mount(prefix: string, app: Koa): Middleware {
  const [first] = app.middleware as Middleware[]
  return async (ctx, next) => {
    if (!ctx.path.startsWith(prefix)) return next()
    const { path } = ctx
    ctx.path = path.slice(prefix.length)
    await first?.(ctx as Context, async () => {
      for (const middleware of app.middleware.slice(1)) await middleware(ctx as never, next)
    })
    ctx.path = path
  }
}

inBoth('an application that is mounted in another is governed like a route', async (t, Koa) => {
  const governed = plimsoll({ budget: '1MiB', logger: silent })
  const { governor } = governed
  const sub = new Koa().use(plimsoll({ governor, cost: '20KiB' })).use(held as Middleware)
  // Of its own: the first governor a request meets is the one that governs it.
  const own = plimsoll({ budget: 0, logger: silent })
  const other = new Koa().use(own).use(held as Middleware)
  const app = new Koa().use(governed).use(mount('/sub', sub)).use(mount('/other', other))
  const { port } = await serve(t, app.callback(), governor)
  t.equal(await bytesOf(send(port, '/sub/x')), 20 * KiB)
  t.equal(await bytesOf(send(port, '/other/x')), 0)
  t.equal(own.governor.stats().admitted, 0)
})

inBoth('two applications share one governor', async (t, Koa) => {
  const governor = new Governor({ budget: '1KiB', queue: { limit: 0 }, logger: silent })
  const open: (() => void)[] = []
  const one = new Koa().use(plimsoll({ governor, cost: 600 }))
  one.use(async ctx => {
    await new Promise<void>(resolve => open.push(resolve))
    ctx.body = 'done'
  })
  const other = new Koa().use(plimsoll({ governor, cost: 500 })).use(held as Middleware)
  const first = await serve(t, one.callback(), governor)
  const second = await serve(t, other.callback(), governor)
  const kept = send(first.port, '/')
  await until(() => open.length === 1, 'a request in the first application')
  t.equal(await bytesOf(send(second.port, '/')), 503, 'the first holds what the second needs')
  open[0]?.()
  t.equal((await kept).text, 'done')
  await first.idle()
  t.equal(await bytesOf(send(second.port, '/')), 500)
})

inBoth('behind a proxy, all that Koa tells of a request is as without us', async (t, Koa) => {
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const app = new Koa({ proxy: true }).use(governed)
  app.use(ctx => {
    const { ip, ips, protocol, hostname, originalUrl } = ctx
    ctx.body = { ip, ips, protocol, hostname, originalUrl }
  })
  const { port } = await serve(t, app.callback(), governed.governor)
  const headers = {
    'x-forwarded-for': '203.0.113.7, 10.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'app.example',
  }
  const taken = governed.governor.budget.tryAcquire(1)
  const waited = send(port, '/?a=b', { headers })
  await until(() => governed.governor.stats().waiting === 1, 'one that waits')
  taken?.release()
  for (const reply of [waited, send(port, '/?a=b', { headers })]) {
    t.strictSame((await reply).json(), {
      ip: '203.0.113.7',
      ips: ['203.0.113.7', '10.0.0.1'],
      protocol: 'https',
      hostname: 'app.example',
      originalUrl: '/?a=b',
    })
  }
})

inBoth('who waits goes on in its own asynchronous context', async (t, Koa) => {
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const storage = new AsyncLocalStorage<string>()
  const app = new Koa()
  app.use((ctx, next) => storage.run(ctx.path, next))
  app.use(governed)
  app.use(ctx => {
    ctx.body = storage.getStore()
  })
  const { port } = await serve(t, app.callback(), governed.governor)
  const taken = governed.governor.budget.tryAcquire(1)
  const replies = ['/a', '/b', '/c'].map(path => send(port, path))
  await until(() => governed.governor.stats().waiting === 3, 'three that wait')
  taken?.release()
  t.strictSame(await Promise.all(replies.map(async reply => (await reply).text)), ['/a', '/b', '/c'])
})

inBoth('closing refuses new ones and those who wait, and lets the admitted finish', async (t, Koa) => {
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const { governor } = governed
  const open: (() => void)[] = []
  const app = new Koa().use(governed)
  app.use(async ctx => {
    await new Promise<void>(resolve => open.push(resolve))
    ctx.body = 'done'
  })
  const { port } = await serve(t, app.callback(), governor)
  const admitted = send(port, '/')
  await until(() => open.length === 1, 'one that is admitted')
  const waiting = send(port, '/')
  await until(() => governor.stats().waiting === 1, 'one that waits')
  const closed = governor.close()
  for (const { status, headers, json } of [await waiting, await send(port, '/')]) {
    t.match([status, headers.connection, json().code], [503, 'close', 'ERR_PLIMSOLL_CLOSED'])
    t.match(headers['retry-after'], /^\d+$/)
  }
  open[0]?.()
  t.equal((await admitted).text, 'done')
  await closed
})
