import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { createGunzip, deflateSync, gzipSync } from 'node:zlib'
import { BareClient, head, open, send, until } from '@plimsoll/contract'
import { Governor, resolvePolicy } from '@plimsoll/core'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import {
  expressReadBody,
  fastifyReadBody,
  koaReadBody,
  type ReadBodyOptions,
  readBody,
  readBodyPolicy,
} from '../src/index.ts'
import { anyValue } from './fixtures/any-value.ts'
import { bodyServers } from './fixtures/body-servers.ts'
import { silent } from './fixtures/in-request.ts'

const CHUNKED = { 'transfer-encoding': 'chunked' }
const body = Buffer.alloc(200_000, 'abc')

for (const [name, start] of Object.entries(bodyServers)) {
  t.test(`${name}: a body is one buffer of its size`, async t => {
    const { port, idle } = await start(t, { budget: '1MiB' })
    const headers = { 'content-type': 'application/octet-stream' }
    const declared = await send(port, '/', { body, headers })
    t.same(declared.json(), { length: 200_000, memory: 200_000, first: 'a', held: 200_000 })
    const chunked = await send(port, '/', { body, headers: { ...headers, ...CHUNKED } })
    t.same(chunked.json(), { length: 200_000, memory: 200_000, first: 'a', held: 200_000 })
    const gzip = { ...headers, 'content-encoding': 'gzip' }
    const encoded = await send(port, '/', { body: gzipSync(body), headers: gzip })
    t.same(encoded.json(), { length: 200_000, memory: 200_000, first: 'a', held: 200_000 })
    const empty = await send(port, '/', { method: 'POST', headers: { ...headers, 'content-length': 0 } })
    if (name !== 'Fastify') t.match(empty.json(), { length: 0, held: 0 })
    await idle()
  })

  t.test(`${name}: what is no body is refused, and the client reads it`, async t => {
    const { port, idle } = await start(t, { budget: '4MiB' }, { limit: 100_000 })
    const headers = { 'content-type': 'application/octet-stream' }
    const gzip = { ...headers, 'content-encoding': 'gzip' }
    const statuses = [
      await send(port, '/', { body, headers }),
      await send(port, '/', { body, headers: { ...headers, ...CHUNKED } }),
      await send(port, '/', { body: gzipSync(body), headers: gzip }),
      await send(port, '/', { body: 'no gzip', headers: gzip }),
      await send(port, '/', { body: gzipSync(body).subarray(0, 100), headers: gzip }),
      await send(port, '/', { body: 'any', headers: { ...headers, 'content-encoding': 'compress' } }),
    ].map(({ status }) => status)
    t.same(statuses, [413, 413, 413, 415, 415, 415])
    t.equal((await send(port, '/', { body: 'next', headers })).json().length, 4)
    await idle()
  })

  t.test(`${name}: what the governor refuses of a body is answered as that`, async t => {
    const { port, idle } = await start(t, { budget: '4MiB', maxBody: 100_000 })
    const headers = { 'content-type': 'application/octet-stream', ...CHUNKED }
    t.equal((await send(port, '/', { body, headers })).status, 413)
    await idle()
  })
}

interface Attempt {
  readonly port: number
  /** Waits for another request. */
  reached(): Promise<void>
  /** How the reading of the last body has ended. */
  outcome(): Promise<unknown>
}

/** A server that reads by `readBody`, and tells the test what came of it. */
async function attempts(t: Test, options: ReadBodyOptions, governor?: Governor): Promise<Attempt> {
  const outcomes: unknown[] = []
  let reached = 0
  const server = createServer(async (req, res) => {
    reached++
    if (governor !== undefined) await governor.admit(req, res)
    outcomes.push(await readBody(req, options).catch(error => error))
    if (!req.aborted) res.end('over')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return {
    port: (server.address() as AddressInfo).port,
    reached: async () => {
      await until(() => reached > 0, 'a request')
      reached = 0
    },
    outcome: async () => {
      await until(() => outcomes.length > 0, 'an outcome')
      return outcomes.shift()
    },
  }
}

t.test('a client that leaves amid its body is told from one that sends a bad one', async t => {
  const { port, reached, outcome } = await attempts(t, { limit: '1MiB' })
  for (const headers of [{ 'content-length': 10 }, CHUNKED, { ...CHUNKED, 'content-encoding': 'gzip' }]) {
    const req = open(port, '/', { method: 'POST', headers })
    req.write(gzipSync('1').subarray(0, 5))
    await reached()
    req.destroy()
    t.match(await outcome(), { code: 'ERR_PLIMSOLL_CLIENT_GONE', cause: { code: 'ECONNRESET' } })
  }
})

t.test('over HTTP/2 a body is read, and one that breaks off is none', async t => {
  const outcomes: unknown[] = []
  const server = http2.createServer(async (req, res) => {
    outcomes.push(await readBody(req, { limit: 10 }).catch(error => error))
    if (!req.aborted) res.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => {
    session.destroy()
    server.close()
  })
  const outcome = async (): Promise<unknown> => {
    await until(() => outcomes.length > 0, 'an outcome')
    return outcomes.shift()
  }
  const post = (headers: Record<string, string | number> = {}) => {
    const stream = session.request({ ':method': 'POST', ...headers })
    stream.on('error', () => {})
    return stream
  }
  post().end('12345')
  t.equal(String(await outcome()), '12345')
  post({ 'content-length': 5 }).end('12345')
  t.equal(String(await outcome()), '12345')
  post().end('12345678901')
  t.match(await outcome(), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE', limit: 10 })
  for (const headers of [{}, { 'content-length': 10 }]) {
    const stream = post(headers)
    stream.write('123')
    await until(() => stream.writableLength === 0, 'its body on the way')
    stream.close(http2.constants.NGHTTP2_CANCEL)
    t.match(await outcome(), { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  }
})

t.test('a body that somebody has read, or that nothing bounds, is not read', async t => {
  const message = anyValue<IncomingMessage>(Object.assign(new PassThrough(), { headers: {} }))
  await t.rejects(readBody(message), { code: 'ERR_PLIMSOLL_OPTION', message: /^limit must be given/ })
  for (const wrong of [{ limit: -1 }, { limt: 5 }, null]) {
    await t.rejects(readBody(message, anyValue(wrong)), { code: 'ERR_PLIMSOLL_OPTION' })
    t.throws(() => expressReadBody(anyValue(wrong)), { code: 'ERR_PLIMSOLL_OPTION' })
    t.throws(() => koaReadBody(anyValue(wrong)), { code: 'ERR_PLIMSOLL_OPTION' })
  }
  message.push('1')
  message.read()
  await t.rejects(readBody(message, { limit: 5 }), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /nobody has read/,
  })
})

t.test('it takes the request that frameworks wrap', async t => {
  const wrapped = (content: string) =>
    anyValue<IncomingMessage>(Object.assign(new PassThrough().end(content), { headers: {}, aborted: false }))
  t.equal(String(await readBody({ raw: wrapped('of Fastify') }, { limit: 10 })), 'of Fastify')
  t.equal(String(await readBody({ req: wrapped('of Koa') }, { limit: 10 })), 'of Koa')
})

t.test(
  'a body that lies about its length is refused; what a hook has made of it is read as it is',
  async t => {
    const app = Fastify()
    app.addContentTypeParser('*', fastifyReadBody)
    const broken = new PassThrough()
    app.addHook('preParsing', async ({ url }, _reply, payload) => {
      if (url === '/broken') return broken
      return url === '/made' ? payload.pipe(new PassThrough()) : payload
    })
    app.post('/', ({ body }) => String(body))
    app.post('/broken', ({ body }) => String(body))
    app.post('/made', ({ body }) => String(body))
    const inject = (url: string, headers: Record<string, string>) =>
      app.inject({ method: 'POST', url, payload: '12345', headers: { 'content-type': 'a/b', ...headers } })
    t.match(await inject('/', { 'content-length': '6' }), {
      statusCode: 400,
      body: /ERR_PLIMSOLL_BAD_LENGTH/,
    })
    t.match(await inject('/', {}), { statusCode: 200, body: '12345' })
    t.match(await inject('/made', { 'content-encoding': 'gzip', 'content-length': '6' }), {
      statusCode: 200,
      body: '12345',
    })
    setImmediate(() => broken.destroy(new Error('its own')))
    t.match(await inject('/broken', {}), { statusCode: 500, body: /its own/ })
  },
)

t.test('a body whose length is not known needs room for a moment to be there twice', async t => {
  const governor = new Governor({ budget: 1000, logger: silent })
  const { port, outcome } = await attempts(t, {}, governor)
  const client = await BareClient.to(port)
  t.teardown(() => client.leave())
  const chunked = (length: number) =>
    client.write(`${head('POST /', CHUNKED)}${length.toString(16)}\r\n${'1'.repeat(length)}\r\n0\r\n\r\n`)
  chunked(500)
  t.equal(((await outcome()) as Buffer).length, 500)
  await until(() => governor.stats().active === 0, 'its end')
  chunked(501)
  t.match(await outcome(), { code: 'ERR_PLIMSOLL_NO_ROOM', bytes: 501 })
  await until(() => governor.stats().reserved === 0, 'the release of everything')
  await governor.close()
})

t.test('who is exempt is asked for no bytes, and bounded all the same', async t => {
  const governor = new Governor({ budget: 1000, exempt: () => true, logger: silent })
  const { port, outcome } = await attempts(t, {}, governor)
  const room = governor.budget.tryAcquire(1000)
  await send(port, '/', { body: '1'.repeat(900), headers: CHUNKED })
  t.equal(((await outcome()) as Buffer).length, 900)
  room?.release()
  await send(port, '/', { body: '1'.repeat(1001), headers: CHUNKED })
  t.match(await outcome(), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
  await governor.close()
})

t.test('the policy that goes with it costs the body once', async t => {
  const { cost } = resolvePolicy(readBodyPolicy)
  t.equal(typeof cost === 'object' && cost.ofLength(2 ** 24), 2 ** 24 + 2 ** 16)
})

t.test('a body that ends although its client has gone is none', async t => {
  // As over HTTP/2, where that is a matter of moments.
  const req = Object.assign(Readable.from([Buffer.from('some')]), { headers: {}, aborted: true })
  const reading = readBody(anyValue<IncomingMessage>(req), { limit: 100 })
  await t.rejects(reading, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
})

t.test('what follows the end of what is encoded holds up no further request of its connection', async t => {
  const { port, outcome, reached } = await attempts(t, { limit: 100 })
  const client = await BareClient.to(port)
  t.teardown(() => client.leave())
  const body = Buffer.concat([deflateSync('12345'), Buffer.alloc(1_000_000, 'z')])
  client.write(head('POST /', { 'content-encoding': 'deflate', 'content-length': body.length }))
  client.write(body)
  t.equal(String(await outcome()), '12345')
  client.write(`${head('POST /', { 'content-length': 1 })}1`)
  await reached()
  t.equal(String(await outcome()), '1')
})

t.test('what a hook has made of a body that is refused is ended', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const made: Readable[] = []
  app.addContentTypeParser('*', fastifyReadBody)
  app.addHook('preParsing', async (_request, _reply, payload) => {
    const decoded = payload.pipe(createGunzip())
    made.push(decoded)
    return decoded
  })
  app.post('/', { bodyLimit: 1000 }, () => t.fail('never'))
  const headers = { 'content-type': 'a/b' }
  const refused = await app.inject({ method: 'POST', url: '/', payload: gzipSync(body), headers })
  t.equal(refused.statusCode, 413)
  t.equal(made[0]?.destroyed, true)
})

t.test('what a hook has made of a body fails with its own error', async t => {
  const raw = Object.assign(Readable.from([]), { headers: {}, aborted: false })
  const payload = new PassThrough()
  const failed = new Error('not decrypted')
  const request = { raw: anyValue<IncomingMessage>(raw), routeOptions: { bodyLimit: 100 } }
  const reading = fastifyReadBody(request, payload)
  payload.destroy(failed)
  await t.rejects(reading, failed)
})
