import { PassThrough, Readable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import plimsoll, { type PlimsollOptions } from '../src/index.ts'
import { idle, KiB } from './fixtures/governed-app.ts'
import { gate, soon, until } from './fixtures/until.ts'

async function injectable(options: PlimsollOptions = { budget: '1MiB' }): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(plimsoll, options)
  app.get('/', async request => ({ bytes: request.plimsoll.bytes }))
  app.post('/', async request => ({ bytes: request.plimsoll.bytes, body: request.body }))
  return app
}

const text = { 'content-type': 'text/plain' }

t.test('an injected request is admitted and released', async t => {
  const app = await injectable({ budget: '1MiB', cost: '2KiB' })
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'] as const) {
    await app.inject({ method, url: '/' })
    await idle(app.plimsoll)
  }
  t.match(app.plimsoll.stats(), { admitted: 5, released: 5 })
  t.strictSame((await app.inject('/')).json(), { bytes: 2 * KiB })
  await idle(app.plimsoll)
})

t.test('an injected payload costs what it declares', async t => {
  const app = await injectable()
  const json = await app.inject({ method: 'POST', url: '/', payload: { a: 1 } })
  t.strictSame(json.json(), { bytes: 7, body: { a: 1 } })
  const string = await app.inject({ method: 'POST', url: '/', headers: text, payload: 'hello' })
  t.strictSame(string.json(), { bytes: 5, body: 'hello' })
  const buffer = await app.inject({ method: 'POST', url: '/', headers: text, payload: Buffer.from('hello') })
  t.strictSame(buffer.json(), { bytes: 5, body: 'hello' })
  const empty = await app.inject({ method: 'POST', url: '/' })
  t.strictSame(empty.json(), { bytes: 0 })
  await idle(app.plimsoll)
})

t.test('an injected stream is admitted by what its headers say of it', async t => {
  const app = await injectable()
  const stream = () => Readable.from([Buffer.from('hello '), Buffer.from('world')])
  for (const [headers, bytes] of [
    [{ ...text, 'content-length': '11' }, 11],
    [{ ...text, 'transfer-encoding': 'chunked' }, 11],
    // No head at all: for HTTP/1 that is a request without a body.
    [text, 0],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url: '/', headers, payload: stream() })
    t.strictSame(answer.json(), { bytes, body: 'hello world' })
    await idle(app.plimsoll)
  }
})

t.test('an injected form is admitted', async t => {
  const app = await injectable()
  app.addContentTypeParser('multipart/form-data', { parseAs: 'string' }, (_request, body, done) =>
    done(null, String(body).includes('hello')),
  )
  const payload = new FormData()
  payload.set('note', 'hello')
  const answer = await app.inject({ method: 'POST', url: '/', payload })
  t.match(answer.json(), { body: true })
  t.ok(answer.json().bytes > 0)
  await idle(app.plimsoll)
})

t.test('an injected request is refused as one from a socket', async t => {
  const app = await injectable({ budget: '1KiB', queue: { limit: 0 } })
  const tooLarge = await app.inject({ method: 'POST', url: '/', headers: text, payload: 'x'.repeat(2 * KiB) })
  t.match(tooLarge.json(), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
  const taken = app.plimsoll.budget.tryAcquire('1KiB')
  const noRoom = await app.inject({ method: 'POST', url: '/', headers: text, payload: 'x' })
  t.match(noRoom.json(), { statusCode: 503, code: 'ERR_PLIMSOLL_QUEUE_FULL' })
  t.ok(noRoom.headers['retry-after'])
  taken?.release()
  t.equal((await app.inject({ method: 'POST', url: '/', headers: text, payload: 'x' })).statusCode, 200)
  await idle(app.plimsoll)
})

t.test('an injected body that proves too large is refused', async t => {
  const app = await injectable({ budget: '1MiB', maxBody: '1KiB' })
  const chunked = { ...text, 'transfer-encoding': 'chunked' }
  for (const [what, payload] of [
    ['a stream', Readable.from([Buffer.alloc(KiB, 'x'), Buffer.alloc(KiB, 'x')])],
    ['a buffer', Buffer.alloc(2 * KiB, 'x')],
  ] as const) {
    const answer = await soon(
      app.inject({ method: 'POST', url: '/', headers: chunked, payload }).then(),
      what,
    )
    t.match(answer.json(), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }, what)
    await idle(app.plimsoll)
  }
})

t.test('an injected request waits its turn', async t => {
  const app = await injectable({ budget: '1KiB', cost: '1KiB' })
  const taken = app.plimsoll.budget.tryAcquire('1KiB')
  const answers = Promise.all(Array.from({ length: 5 }, () => app.inject('/')))
  await until(() => app.plimsoll.stats().waiting === 5, 'all to wait')
  taken?.release()
  for (const answer of await answers) t.strictSame(answer.json(), { bytes: KiB })
  await idle(app.plimsoll)
})

t.test('an injected download holds until its last byte', async t => {
  const app = await injectable({ budget: '1MiB', cost: '1KiB' })
  const last = gate()
  app.get('/download', (_request, reply) => {
    const source = new PassThrough()
    source.write('first ')
    last.promise.then(() => source.end('last'))
    return reply.send(source)
  })
  const answer = await app.inject({ url: '/download', payloadAsStream: true })
  const stream = answer.stream()
  t.equal(String(await new Promise(resolve => stream.once('data', resolve))), 'first ')
  t.equal(app.plimsoll.budget.reserved, KiB)
  last.open()
  await idle(app.plimsoll)
})
