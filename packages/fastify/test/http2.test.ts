import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Governor } from '@plimsoll/core'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import plimsoll, { type PlimsollOptions } from '../src/index.ts'
import { idle, KiB, leavesNothing, MiB } from './fixtures/governed-app.ts'
import { gate, soon, until } from './fixtures/until.ts'

const COST = 64 * KiB

interface Http2App {
  readonly governor: Governor
  readonly session: ClientHttp2Session
  request(headers: Record<string, string | number>, options?: { endStream: boolean }): ClientHttp2Stream
  leavesNothing(t: Test): Promise<void>
}

async function http2App(
  t: Test,
  options: PlimsollOptions,
  routes: (app: FastifyInstance) => unknown,
): Promise<Http2App> {
  // Its routes and hooks have the same names and shapes; only the raw types differ.
  const app = Fastify({ http2: true, bodyLimit: 32 * MiB }) as unknown as FastifyInstance
  await app.register(plimsoll, options)
  app.post('/next', async request => request.body)
  await routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const sessions: ClientHttp2Session[] = []
  const open = () => {
    const session = connect(`http://127.0.0.1:${port}`)
    session.on('error', () => {})
    sessions.push(session)
    return session
  }
  t.teardown(async () => {
    for (const session of sessions) session.destroy()
    await app.close()
  })
  const session = open()
  const governor = app.plimsoll
  return {
    governor,
    session,
    request: (headers, options) => {
      const stream = session.request(headers, options)
      stream.on('error', () => {})
      return stream
    },
    leavesNothing: t =>
      leavesNothing(t, governor, async () => {
        const fresh = session.destroyed ? open() : session
        const stream = fresh.request({ ':method': 'POST', ':path': '/next', 'content-type': 'text/plain' })
        stream.end('next')
        return (await answerOf(stream)).status
      }),
  }
}

async function answerOf(stream: ClientHttp2Stream): Promise<{
  status: number
  headers: Record<string, unknown>
  body: string
}> {
  const [headers] = (await soon(once(stream, 'response'), 'an answer')) as [Record<string, unknown>]
  let body = ''
  stream.setEncoding('utf8')
  stream.on('data', chunk => {
    body += chunk
  })
  await soon(once(stream, 'end'), 'the end of an answer')
  return { status: Number(headers[':status']), headers, body }
}

const post = (headers: Record<string, string | number> = {}) => ({
  ':method': 'POST',
  ':path': '/',
  'content-type': 'text/plain',
  ...headers,
})

t.test('requests over HTTP/2 are admitted, answered and released', async t => {
  const server = await http2App(t, { budget: '1MiB', cost: COST }, app => {
    app.get('/', async request => ({ bytes: request.plimsoll.bytes }))
    app.post('/', async request => ({ bytes: request.plimsoll.bytes, length: String(request.body).length }))
  })
  const get = await answerOf(server.request({ ':path': '/' }))
  t.match(get, { status: 200, body: JSON.stringify({ bytes: COST }) })
  await server.leavesNothing(t)
  const upload = server.request(post({ 'content-length': 500 * KiB }))
  upload.end(Buffer.alloc(500 * KiB, 'x'))
  t.match(await answerOf(upload), { status: 200, body: JSON.stringify({ bytes: COST, length: 500 * KiB }) })
  await server.leavesNothing(t)
  t.match(await answerOf(server.request({ ':path': '/nowhere' })), { status: 404 })
  t.match(server.governor.stats(), { admitted: 5, released: 5 })
  await server.leavesNothing(t)
})

t.test('a body over HTTP/2 costs its length, and without one the largest until it is known', async t => {
  const server = await http2App(t, { budget: '4MiB', maxBody: '1MiB' }, app =>
    app.post('/', async request => ({ bytes: request.plimsoll.bytes })),
  )
  const declared = server.request(post({ 'content-length': 1000 }))
  await until(() => server.governor.budget.reserved === 1000, 'the declared length')
  declared.end(Buffer.alloc(1000))
  t.equal((await answerOf(declared)).body, '{"bytes":1000}')

  const unknown = server.request(post())
  unknown.write(Buffer.alloc(1000))
  await until(() => server.governor.stats().paidIn === 1000, 'the first bytes')
  t.equal(server.governor.budget.reserved, MiB)
  unknown.end()
  t.equal((await answerOf(unknown)).body, '{"bytes":1000}')

  const none = server.request(post(), { endStream: true })
  t.equal((await answerOf(none)).body, '{"bytes":0}')
  await server.leavesNothing(t)
})

t.test('refusals over HTTP/2 are read, and the session goes on', async t => {
  const server = await http2App(t, { budget: '1MiB', maxBody: '512KiB', queue: { limit: 0 } }, app =>
    app.post('/', async request => String(request.body).length),
  )
  for (const headers of [post({ 'content-length': 2 * MiB }), post()]) {
    const stream = server.request(headers)
    stream.end(Buffer.alloc(2 * MiB))
    const { status, headers: fields, body } = await answerOf(stream)
    t.equal(status, 413)
    t.match(JSON.parse(body), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
    t.notOk('connection' in fields)
    await server.leavesNothing(t)
  }
  const taken = server.governor.budget.tryAcquire('1MiB')
  const stream = server.request(post({ 'content-length': 100 * KiB }))
  stream.end(Buffer.alloc(100 * KiB))
  const { status, headers } = await answerOf(stream)
  t.equal(status, 503)
  t.match(headers['retry-after'], /^\d+$/)
  taken?.release()
  t.equal(server.session.destroyed, false)
  await server.leavesNothing(t)
})

t.test('a refused stream that its client never ends is ended by the server', async t => {
  const server = await http2App(t, { budget: '1MiB' }, app => app.post('/', async () => 'never'))
  for (const headers of [post({ 'content-length': 8 * MiB }), post()]) {
    const stream = server.request(headers)
    stream.write(Buffer.alloc(2 * MiB))
    t.equal((await answerOf(stream)).status, 413)
    if (!stream.closed) await soon(once(stream, 'close'), 'the end of the stream')
    t.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR)
    t.equal(server.session.destroyed, false)
  }
  await idle(server.governor)
})

t.test('streams that are reset release: in the queue, uploading, in the handler and downloading', async t => {
  const entered = gate()
  let served = 0
  let gone = 0
  const server = await http2App(t, { budget: '1MiB', cost: COST }, app => {
    app.addHook('preHandler', async () => void served++)
    app.get('/get', async () => 'served')
    app.post('/', async request => request.body)
    app.get('/handler', () => {
      entered.open()
      return new Promise(() => {})
    })
    app.get('/download', (_request, reply) =>
      reply.send(
        new Readable({
          read() {
            this.push(Buffer.alloc(16 * KiB))
          },
        }),
      ),
    )
  })
  for (const [what, headers, options] of [
    ['a GET', { ':path': '/get' }, {}],
    ['an upload that has not begun', post({ 'content-length': 5 }), {}],
    ['a complete upload', post({ 'content-length': 5 }), { body: 'hello' }],
    ['an upload under way', post({ 'content-length': 50 * KiB }), { part: Buffer.alloc(40 * KiB) }],
  ] as [string, Record<string, string | number>, { body?: string; part?: Buffer }][]) {
    await t.test(`in the queue, ${what}`, async t => {
      const taken = server.governor.budget.tryAcquire('1MiB')
      const stream = server.request(headers)
      if (options.body !== undefined) stream.end(options.body)
      if (options.part !== undefined) stream.write(options.part)
      await until(() => server.governor.stats().waiting === 1, 'it to wait')
      stream.close(constants.NGHTTP2_CANCEL)
      // Frames are read in their order, so the reset is known when this is answered.
      await new Promise(resolve => server.session.ping(resolve))
      taken?.release()
      await idle(server.governor)
      t.equal(served, 0)
      t.equal(server.governor.stats().refused.ERR_PLIMSOLL_CLIENT_GONE, ++gone, 'counted as gone')
      await server.leavesNothing(t)
      served = 0
    })
  }
  await t.test('uploading', async t => {
    const stream = server.request(post({ 'content-length': 100 * KiB }))
    stream.write(Buffer.alloc(50 * KiB))
    await until(() => server.governor.stats().paidIn === 50 * KiB, 'half of it')
    stream.close(constants.NGHTTP2_CANCEL)
    await server.leavesNothing(t)
  })
  await t.test('in the handler', async t => {
    const stream = server.request({ ':path': '/handler' })
    await entered.promise
    t.equal(server.governor.budget.reserved, COST)
    stream.close(constants.NGHTTP2_CANCEL)
    await server.leavesNothing(t)
  })
  await t.test('downloading', async t => {
    const stream = server.request({ ':path': '/download' })
    await soon(once(stream, 'data'), 'the first bytes')
    t.equal(server.governor.budget.reserved, COST)
    stream.close(constants.NGHTTP2_CANCEL)
    await server.leavesNothing(t)
  })
})

t.test('a session that is cut releases all its streams', async t => {
  const server = await http2App(t, { budget: '256KiB', cost: COST }, app =>
    app.get('/', () => new Promise(() => {})),
  )
  for (let i = 0; i < 10; i++) server.request({ ':path': '/' })
  await until(() => server.governor.stats().waiting === 6, 'all to come in')
  t.match(server.governor.stats(), { active: 4, reserved: 4 * COST })
  server.session.destroy()
  await server.leavesNothing(t)
})

t.test('streams of one session do not wait for each other\u2019s answers', async t => {
  const server = await http2App(t, { budget: '1MiB', cost: COST }, app => {
    app.get('/slow', () => new Promise(() => {}))
    app.get('/fast', async () => 'fast')
  })
  server.request({ ':path': '/slow' })
  await until(() => server.governor.stats().active === 1, 'the slow one')
  t.equal((await answerOf(server.request({ ':path': '/fast' }))).body, 'fast')
  server.session.destroy()
  await server.leavesNothing(t)
})

t.test('a download over HTTP/2 holds until its last byte is out', async t => {
  const last = gate()
  const server = await http2App(t, { budget: '1MiB', cost: COST }, app =>
    app.get('/', (_request, reply) =>
      reply.send(
        Readable.from(
          (async function* () {
            yield 'first '
            await last.promise
            yield 'last'
          })(),
        ),
      ),
    ),
  )
  const stream = server.request({ ':path': '/' })
  const [first] = await soon(once(stream, 'data'), 'the first piece')
  t.equal(String(first), 'first ')
  t.equal(server.governor.budget.reserved, COST)
  last.open()
  const [rest] = await soon(once(stream, 'data'), 'the last piece')
  t.equal(String(rest), 'last')
  await server.leavesNothing(t)
})

t.test('a handler whose client is served over HTTP/2 does not see its signal abort', async t => {
  const signals: AbortSignal[] = []
  const server = await http2App(t, { budget: '1MiB', cost: COST }, app =>
    app.get('/', async request => {
      signals.push(request.plimsoll.signal)
      return 'served'
    }),
  )
  t.equal((await answerOf(server.request({ ':path': '/' }))).body, 'served')
  await server.leavesNothing(t)
  t.equal(signals[0]?.aborted, false)
})

t.test('a handler whose client resets its stream sees its signal abort', async t => {
  const signals: AbortSignal[] = []
  const server = await http2App(t, { budget: '1MiB', cost: COST }, app =>
    app.get('/', request => {
      signals.push(request.plimsoll.signal)
      return new Promise(() => {})
    }),
  )
  const stream = server.request({ ':path': '/' })
  await until(() => signals.length === 1, 'the handler')
  stream.close(constants.NGHTTP2_CANCEL)
  await until(() => signals[0]?.aborted === true, 'the signal')
  t.match(signals[0]?.reason, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  await idle(server.governor)
  await server.leavesNothing(t)
})
