import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Governor, type RoutePolicy } from '@plimsoll/core'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { head, RawClient, send } from './fixtures/client.ts'
import { governedApp, idle } from './fixtures/governed-app.ts'
import { gate } from './fixtures/until.ts'

const silent = { info() {}, warn() {}, error() {} }

t.test('an upload that is no gzip fails its pipeline and not the process', async t => {
  const app = await governedApp(t, {
    options: { budget: '10MiB', body: 'stream' },
    routes: app => {
      app.addContentTypeParser('a/b', (_request, payload, done) => done(null, payload))
      app.post('/', async (request, reply) => {
        const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
        try {
          await pipeline(request.body as NodeJS.ReadableStream, createGunzip(), nowhere)
        } catch {
          return reply.code(422).send()
        }
      })
    },
  })
  const client = await RawClient.to(app.port)
  client.write(
    head('POST /', { 'content-length': 500_000, 'content-type': 'a/b' }) + 'not gzip'.repeat(10_000),
  )
  await client.reads(/HTTP\/1\.1 422 /)
  client.destroy()
  await app.leavesNothing(t)
})

t.test("a request that Fastify's handlerTimeout answers while it waits leaves the queue", async t => {
  const held = gate()
  const ran: string[] = []
  const app = await governedApp(t, {
    options: { budget: 1000 },
    routes: app => {
      app.post('/hold', async () => {
        ran.push('hold')
        await held.promise
        return 'held'
      })
      app.post('/wait', { handlerTimeout: 50 }, async () => ran.push('wait'))
      app.post('/later', async () => 'later')
    },
  })
  const call = (length: number) => ({ body: Buffer.alloc(length), headers: { 'content-type': 'text/plain' } })
  const holder = send(app.port, '/hold', call(600))
  while (ran.length === 0) await new Promise(setImmediate)
  t.equal((await send(app.port, '/wait', call(900))).status, 503)
  t.equal((await send(app.port, '/later', call(100))).status, 200)
  t.match(app.governor.stats(), { waiting: 0, active: 1, reserved: 600 })
  held.open()
  t.equal((await holder).status, 200)
  t.same(ran, ['hold'])
  await app.leavesNothing(t)
})

t.test('a key of a route that is undefined is one left out, also with a governor of one’s own', async t => {
  const governor = new Governor({ budget: '1MiB', logger: silent })
  const left = { maxBody: undefined, cost: undefined } as unknown as RoutePolicy
  const app = await governedApp(t, {
    options: { governor, maxBody: 100, cost: '64KiB' },
    routes: app => {
      const held = async (request: FastifyRequest) => ({ held: request.plimsoll.bytes })
      app.post('/', { config: { plimsoll: left } }, held)
    },
  })
  const call = (length: number) => ({ body: Buffer.alloc(length), headers: { 'content-type': 'text/plain' } })
  t.same((await send(app.port, '/', call(50))).json(), { held: 65_536 })
  t.equal((await send(app.port, '/', call(5000))).status, 413)
  await app.leavesNothing(t)
})

t.test('what an error handler and a failing hook log of a refused request is logged', async t => {
  const stream = new PassThrough()
  const logged = text(stream)
  const app = await governedApp(t, {
    server: { logger: { level: 'error', stream } },
    options: { budget: 1000, logger: silent },
    routes: app => {
      app.setErrorHandler((_error, _request, reply) => {
        reply.log.error({ mine: true }, 'shedding load')
        reply.code(503).send({})
      })
      app.addHook('onSend', async () => {
        throw new Error('bug in onSend')
      })
      app.get('/', { config: { plimsoll: { cost: 5000 } } }, async () => 'never')
    },
  })
  await send(app.port, '/')
  await idle(app.governor)
  stream.end()
  t.match(await logged, /shedding load.*bug in onSend/s)
})
