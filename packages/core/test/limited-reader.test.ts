import type { IncomingMessage } from 'node:http'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { getHeapSpaceStatistics } from 'node:v8'
import t from 'tap'
import type { RequestReservation } from '../src/governed-request.ts'
import { Governor } from '../src/governor.ts'
import { type BodyPayer, LimitedReader } from '../src/limited-reader.ts'
import { FREE, unboundedPrice } from '../src/price.ts'
import { anyValue } from './fixtures/any-value.ts'
import { answerFault, type Handler, scenario } from './fixtures/governed-server.ts'
import { injected } from './fixtures/injected.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { silent } from './fixtures/recording-logger.ts'
import { promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

const LIMIT = 2 ** 20

/** Pays anything. */
const NOBODY: BodyPayer = {
  price: unboundedPrice(FREE, () => {}),
  payIn() {},
  inflates() {},
  refund() {},
  reprice() {},
  bodyOver() {},
}

/** Counts what a reader was given. */
class Sink extends Writable {
  bytes = 0

  override _write(part: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.bytes += part.length
    done()
  }
}

/** What people read bodies with. Those that hear of an error answer it; else the governor must. */
const READERS: Record<string, (req: IncomingMessage, sink: Sink) => unknown> = {
  'pipe, and no error listener': (req, sink) => req.pipe(sink),
  "'data' listeners, and no error listener": (req, sink) => req.on('data', part => sink.write(part)),
  "'readable' and read()": (req, sink) =>
    req.on('readable', () => {
      for (let part = req.read(); part !== null; part = req.read()) sink.write(part)
    }),
  setEncoding: (req, sink) => req.setEncoding('latin1').on('data', part => sink.write(part, 'latin1')),
  'async iteration': async (req, sink) => {
    for await (const part of req) sink.write(part)
  },
  pipeline: (req, sink) => pipeline(req, sink),
  'stream/consumers': async (req, sink) => sink.write(await buffer(req)),
  'a web stream': async (req, sink) => {
    for await (const part of Readable.toWeb(req)) sink.write(part)
  },
}

for (const [how, read] of Object.entries(READERS)) {
  const sinks: Sink[] = []
  const handler: Handler = async (req, res) => {
    const sink = new Sink()
    sinks.push(sink)
    try {
      await read(req, sink)
      req.on('end', () => res.end())
      if (req.readableEnded) res.end()
    } catch (error) {
      answerFault(res, error)
    }
  }

  scenario(
    `a body without a length is bounded when read by ${how}, and its client reads a 413`,
    { options: { budget: 2 * LIMIT, maxBody: LIMIT }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED))
      client.writeEndlessly(Buffer.from(chunk('1'.repeat(50_000))))
      t.same(await client.answers(1), [413])
      t.match(client.received, /Connection: close/i)
      await client.closed()
      const [sink] = sinks as [Sink]
      t.ok(sink.bytes <= LIMIT, `${sink.bytes} bytes`)
      t.match(server.governor.stats(), { refused: { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 } })
    },
  )

  scenario(
    `a body within the limit comes through ${how} byte for byte`,
    { options: { budget: 2 * LIMIT, maxBody: LIMIT }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED))
      for (let n = 0; n < 8; n++) client.write(chunk('1'.repeat(LIMIT / 8)))
      client.write(LAST_CHUNK)
      t.same(await client.answers(1), [200])
      t.equal(sinks[1]?.bytes, LIMIT)
      t.match(await server.send('/b', '1'.repeat(1000)), { status: 200 })
      t.equal(sinks[2]?.bytes, 1000)
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'the reader of a refused body is told once, by an error that says what to answer',
    { options: { maxBody: 10 }, handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED))
      await server.reached(1)
      const { req, res } = kept.at(0)
      const events: unknown[] = []
      req.on('error', error => events.push(error))
      req.on('end', () => events.push('end'))
      req.on('data', part => events.push(part.toString()))
      client.write(chunk('12345'))
      await until(() => events.length === 1, 'the first chunk')
      client.write(chunk('678901') + chunk('more') + chunk('1'.repeat(1000)) + LAST_CHUNK)
      await until(() => events.length === 2, 'the error')
      await promisesSettled()
      t.match(events, [
        '12345',
        { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE', statusCode: 413, bytes: 11, limit: 10 },
      ])
      t.equal(events.length, 2)
      t.equal(res.headersSent, false, 'who listens answers')
      t.equal(req.socket.destroyed, false, 'the socket stays open for that')
      res.writeHead(413).end('from the handler')
      await client.receives('from the handler')
      t.match(server.governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 } })
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a handler that answers first and reads on keeps its bytes until the body ends',
    { handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(`${head('POST', '/a', { 'Content-Length': 10 })}12345`)
      await until(() => server.governor.budget.paidIn === 5, 'a part')
      const { res, reservation } = kept.at(0)
      res.end('early')
      await client.receives('early')
      await server.send('/next')
      t.match(reservation, { bytes: 10, released: false })
      client.write('67890')
      await until(() => reservation.released, 'the release')
      client.write(post('/b', '1'))
      await server.reached(2)
      kept.at(1).res.end()
      t.same(await client.answers(2), [200, 200], 'the connection goes on')
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a client that leaves after an early answer, amid its body, frees its bytes',
    { handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await until(() => server.governor.budget.paidIn === 5, 'a part')
      kept.at(0).res.end('early')
      await client.receives('early')
      t.equal(kept.at(0).reservation.released, false)
      client.reset()
      await server.idle()
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a body that proves too large after an early answer frees its bytes and closes its connection',
    { options: { maxBody: 10 }, handler: kept.handler },
    async (t, server) => {
      // Node would close it some day, if the client paused for so long.
      server.http.keepAliveTimeout = 0
      const client = await server.connect()
      client.socket.allowHalfOpen = true
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await until(() => server.governor.budget.paidIn === 5, 'a part')
      kept.at(0).res.end('early')
      await client.receives('early')
      client.write(chunk('678901'))
      await until(() => server.governor.stats().refused.ERR_PLIMSOLL_BODY_TOO_LARGE === 1, 'the refusal')
      t.equal(kept.at(0).reservation.released, true, 'at once: the client may take its time')
      client.socket.end()
      await client.closed()
      t.same(client.statuses, [200])
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a body that proves too large amid an answer that nobody ends is cut with it',
    { options: { maxBody: 10 }, handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await server.reached(1)
      kept.at(0).res.write('begun')
      await client.receives('begun')
      client.write(chunk('678901'))
      await client.closed()
      t.same(client.statuses, [200])
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a body that proves too large amid an answer leaves its reader to end that, and then closes',
    { options: { maxBody: 10 }, handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await server.reached(1)
      const { req, res } = kept.at(0)
      req.on('error', () => res.end('and ended'))
      res.write('begun ')
      await client.receives('begun ')
      client.write(chunk('678901'))
      await client.receives('and ended')
      client.write(chunk('1'.repeat(1000)))
      client.socket.end()
      await client.closed()
      t.match(client.received, /\r\n0\r\n\r\n$/, 'the answer is whole')
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a body that proves too large amid an answer that closes anyway closes once',
    { options: { maxBody: 10 }, handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await server.reached(1)
      const { req, res } = kept.at(0)
      req.on('error', () => res.end('and ended'))
      res.setHeader('Connection', 'close')
      res.write('begun ')
      await client.receives('begun ')
      client.write(chunk('678901'))
      await client.receives('and ended')
      client.socket.end()
      await client.closed()
      t.same(client.statuses, [200])
    },
  )
}

scenario(
  'what has arrived of a body while it waited counts, and is refused where it is too large already',
  { options: { maxBody: 10 } },
  async (t, server) => {
    const room = server.governor.budget.charge(2 ** 20)
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345678901'))
    await server.queued(1)
    room.release()
    t.same(await client.answers(1), [413])
    t.same(server.handled, [])
    t.match(server.governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 } })
  },
)

{
  const kept = new KeptRequests()
  scenario(
    'what has arrived of a body while it waited is paid in at its admission',
    { handler: kept.handler },
    async (t, server) => {
      const room = server.governor.budget.charge(2 ** 20)
      const client = await server.connect()
      client.write(`${head('POST', '/a', { 'Content-Length': 10 })}12345`)
      await server.queued(1)
      room.release()
      await server.reached(1)
      t.equal(server.governor.budget.paidIn, 5)
      client.write('67890')
      await until(() => server.governor.budget.paidIn === 10, 'the rest')
      kept.at(0).res.end()
    },
  )
}

{
  const stuck: { sink: Writable; go: () => void }[] = []
  scenario(
    'a handler that answers first and pipes into something slow keeps its bytes until the body ends',
    {
      handler: (req, res) => {
        const sink = new Writable({
          highWaterMark: 1,
          write: (_part, _encoding, done) => stuck.push({ sink, go: done }),
        })
        req.pipe(sink)
        req.once('data', () => res.end('early'))
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(`${head('POST', '/a', { 'Content-Length': 10 })}12345`)
      await client.receives('early')
      await server.send('/next')
      t.equal(server.governor.budget.reserved, 10, 'paused by its own pipe, the body is still being read')
      client.write('67890')
      for (let n = 0; n < 2; n++) {
        await until(() => stuck[n] !== undefined, 'a write')
        stuck[n]?.go()
      }
      await server.idle()
    },
  )
}

scenario(
  'a body that somebody has read before the admission is charged and released',
  {},
  async (t, server) => {
    const [listener] = server.http.listeners('request') as ((...args: unknown[]) => void)[]
    server.http.removeAllListeners('request')
    server.http.on('request', async (req: IncomingMessage, res) => {
      if (req.url === '/read') await buffer(req)
      listener?.(req, res)
    })
    const client = await server.connect()
    client.write(post('/read', '12345'))
    t.same(await client.answers(1), [200])
    t.match(server.governor.stats(), { admitted: 1 })
  },
)

t.test('an injected request is admitted, and its strings are counted in bytes', async t => {
  const governor = new Governor({ budget: 100, logger: silent })
  const { req, res } = injected(['äöü', Buffer.from('123')])
  const reservation = governor.admit(req, res) as RequestReservation
  t.equal(reservation.bytes, 100)
  t.equal((await buffer(req)).length, 9)
  t.match(governor.budget, { reserved: 9, paidIn: 9 })
  res.emit('close')
  t.equal(reservation.released, true)

  const other = injected([])
  const encoded = governor.admit(other.req, other.res) as RequestReservation
  other.req.push('ffff', 'hex')
  t.equal(governor.budget.paidIn, 2)
  other.req.push(null)
  t.equal(encoded.bytes, 2)
  other.res.emit('close')
  t.match(governor.stats(), { reserved: 0, active: 0 })
})

t.test('an injected request is bounded like any other', async t => {
  const governor = new Governor({ budget: 100, maxBody: 8, logger: silent })
  const { req, res } = injected(['äöü', '123'])
  governor.admit(req, res)
  await t.rejects(buffer(req), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
  res.emit('close')
  t.match(governor.stats(), { reserved: 0, active: 0 })
  await governor.close()
})

t.test('a body is cut although the logger throws, and that is heard of', async t => {
  const warn = (): never => {
    throw new Error('a broken logger')
  }
  const governor = new Governor({ budget: 100, maxBody: 3, logger: { ...silent, warn } })
  const { req, res } = injected([])
  const errors: unknown[] = []
  req.on('error', error => errors.push(error))
  governor.admit(req, res)
  t.throws(() => req.push('12345'), { message: 'a broken logger' })
  await until(() => errors.length > 0, 'the error of the body')
  t.match(errors, [{ code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }])
  res.emit('close')
  t.match(governor.stats(), { active: 0, reserved: 0, refused: { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 } })
  await governor.close()
})

t.test(
  'what is in a decoder counts as what most become, up to the limit, since nobody can halt it',
  async t => {
    const inflated = { limit: 1000, costOf: (bytes: number) => bytes }
    const price = { ...unboundedPrice(FREE, () => {}), held: 'body' as const, inflated }
    const req = new Readable({ read() {} })
    const reader = new LimitedReader(anyValue(req), { ...NOBODY, price }, () => {})
    t.equal(reader.held, 0)
    req.push(Buffer.alloc(100))
    t.equal(reader.held, 800)
    req.push(Buffer.alloc(100))
    t.equal(reader.held, 1000)
  },
)

t.test('what it puts on a request goes with the next small collection, and the request with it', async t => {
  // V8 has some functions begin in old space, where each would keep its request until the next full collection.
  const read = (): void => {
    for (let n = 0; n < 1000; n++) new LimitedReader(anyValue(new Readable()), NOBODY, () => {})
    globalThis.gc?.({ type: 'minor' })
  }
  read()
  globalThis.gc?.()
  const before = oldSpace()
  for (let n = 0; n < 10; n++) read()
  const each = (oldSpace() - before) / 10_000
  t.ok(each < 32, `${each.toFixed(0)} bytes of each are in old space`)
})

function oldSpace(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
  return space?.space_used_size ?? Number.NaN
}
