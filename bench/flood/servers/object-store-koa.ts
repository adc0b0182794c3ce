import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import type { Governor } from '@plimsoll/koa'
import Koa from 'koa'
import { idleEvents } from './event-stream.ts'
import { lookInside } from './inside.ts'
import {
  admitPlainly,
  downloads,
  governorOptions,
  metrics,
  options,
  readWhole,
  smallerCost,
  store,
  untuned,
  uploads,
} from './object-store.ts'

/** The routes that the flood uses, behind Koa 3. */
const app = new Koa()
const router = new Router()
let governor: Governor | undefined

if (options.governed) {
  const { plimsoll } = await import('@plimsoll/koa')
  const all = plimsoll(governorOptions)
  governor = all.governor
  if (untuned) app.use(all)
  else {
    router.put('/objects/:key', plimsoll({ governor, ...uploads }))
    router.get('/objects/:key', plimsoll({ governor, ...downloads }))
    router.get('/events', plimsoll({ governor }))
  }
}

if (admitPlainly) {
  const admit = admitPlainly
  router.put('/objects/:key', ({ req, res }, next) => admit(req, res, uploads).then(next))
  router.get('/objects/:key', ({ req, res }, next) => admit(req, res, downloads).then(next))
}

router.put('/objects/:key', async ctx => {
  const { key = '' } = ctx.params
  const body = await readWhole(ctx.req, ctx.headers['content-length'], options.bodyLimit)
  const created = await store.put(key, body)
  ctx.status = created ? 201 : 200
  ctx.body = { key, bytes: body.length }
})

router.get('/objects/:key', async ctx => {
  const object = await store.open(ctx.params.key ?? '')
  const { bytes } = object.header
  ctx.plimsoll?.shrink(smallerCost(bytes) ?? ctx.plimsoll.bytes)
  ctx.body = store.read(object)
  ctx.type = 'application/octet-stream'
  ctx.length = bytes
})

router.get('/events', ctx => {
  ctx.body = idleEvents()
  ctx.type = 'text/event-stream'
})

router.get('/inside', async ctx => {
  ctx.body = await lookInside(governor?.stats(), ctx.url.endsWith('?settled'))
})

router.get('/report', ctx => {
  ctx.body = governor?.report()
})

router.get('/health', ctx => {
  ctx.body = { status: 'ok' }
})

router.get('/metrics', ctx => {
  ctx.body = metrics(governor?.stats())
})

app.use(router.routes())
const server = app.listen(options.port, options.host, () => {
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
governor?.attach(server)
