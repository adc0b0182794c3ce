import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Governor } from '@plimsoll/express'
import express from 'express'
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

/** The routes that the flood uses, behind Express 5. */
const app = express()
let governor: Governor | undefined

if (options.governed) {
  const { plimsoll } = await import('@plimsoll/express')
  const all = plimsoll(governorOptions)
  governor = all.governor
  if (untuned) app.use(all)
  else {
    app.put('/objects/:key', plimsoll({ governor, ...uploads }))
    app.get('/objects/:key', plimsoll({ governor, ...downloads }))
    app.get('/events', plimsoll({ governor }))
  }
}

if (admitPlainly) {
  const admit = admitPlainly
  app.put('/objects/:key', (req, res, next) => admit(req, res, uploads).then(next))
  app.get('/objects/:key', (req, res, next) => admit(req, res, downloads).then(next))
}

app.put('/objects/:key', async (req, res) => {
  const body = await readWhole(req, req.headers['content-length'], options.bodyLimit)
  const created = await store.put(req.params.key, body)
  res.status(created ? 201 : 200).json({ key: req.params.key, bytes: body.length })
})

app.get('/objects/:key', async (req, res) => {
  const object = await store.open(req.params.key)
  const { bytes } = object.header
  req.plimsoll?.shrink(smallerCost(bytes) ?? req.plimsoll.bytes)
  res.type('application/octet-stream').set('content-length', String(bytes))
  await pipeline(store.read(object), res)
})

app.get('/events', async (_req, res) => {
  await pipeline(idleEvents(), res.type('text/event-stream'))
})

app.get('/inside', async (req, res) => {
  res.json(await lookInside(governor?.stats(), req.url.endsWith('?settled')))
})

app.get('/report', (_req, res) => {
  res.json(governor?.report())
})

app.get('/health', (_req, res) => {
  res.json({ status: 'ok' })
})

app.get('/metrics', (_req, res) => {
  res.type('text/plain').send(metrics(governor?.stats()))
})

const server = app.listen(options.port, options.host, () => {
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
governor?.attach(server)
