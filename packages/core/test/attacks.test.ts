import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import type { RequestReservation } from '../src/governed-request.ts'
import { Governor, reservationOf } from '../src/governor.ts'
import { LINGER_MS } from '../src/lingering-close.ts'
import { anyValue } from './fixtures/any-value.ts'
import { deferred } from './fixtures/deferred.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { answerFault, type Handler, scenario } from './fixtures/governed-server.ts'
import { activeTimers } from './fixtures/own-timers.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post, RawClient } from './fixtures/raw-client.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const LARGE = 'a'.repeat(4096)

/** Stops reading with the first chunk: Node sets `req.socket` to null then. */
async function breakOff(req: IncomingMessage): Promise<void> {
  for await (const _ of req) break
}

async function toFullDisk(req: IncomingMessage): Promise<void> {
  const disk = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) })
  await pipeline(req, disk).catch(() => {})
}

for (const [what, stop] of Object.entries({
  'breaks off reading': breakOff,
  'pipes into a full disk': toFullDisk,
})) {
  scenario(
    `a handler that ${what} answers as ungoverned`,
    {
      handler: async (req, res) => {
        await stop(req)
        res.statusCode = 507
        res.end()
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      t.same(await client.answers(1), [507])
      client.leave()
    },
  )

  const stopped = deferred()
  scenario(
    `a body over the limit is refused after its handler ${what}`,
    {
      options: { maxBody: 1000 },
      handler: async req => {
        await stop(req)
        stopped.resolve()
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await stopped.promise
      client.write(chunk(LARGE))
      t.same(await client.answers(1), [413])
      client.leave()
    },
  )

  scenario(
    `a second admission after a handler ${what} is refused with its own error`,
    {
      handler: async (req, res, _reservation, { governor }) => {
        await stop(req)
        try {
          await governor.admit(req, res, { maxBody: 5 })
        } catch (error) {
          answerFault(res, error)
        }
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', { 'Content-Length': 500_000 }) + LARGE)
      t.same(await client.answers(1), [413])
      client.leave()
    },
  )
}

for (const waits of [false, true]) {
  t.test(
    `a request whose body was broken off before its admission${waits ? ', which waits,' : ''} is served`,
    async t => {
      const governor = new Governor({ budget: 10_000, logger: silent })
      const governed = governor.listener((_req, res) => res.end('served'))
      const server = createServer(async (req, res) => {
        await breakOff(req)
        governed(req, res)
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      t.teardown(() => server.close())
      const client = await RawClient.connect((server.address() as AddressInfo).port)
      t.teardown(() => client.leave())
      const room = waits ? governor.budget.charge(10_000) : undefined
      client.write(`${head('POST', '/', { 'Content-Length': 5000 })}12345`)
      if (waits) await until(() => governor.stats().waiting === 1, 'its place in the queue')
      room?.release()
      t.same(await client.answers(1), [200])
      client.leave()
      await until(() => governor.stats().active === 0, 'the release')
      t.match(governor.stats(), { admitted: 1, released: 1, reserved: 0 })
    },
  )
}

{
  const [refused, done] = [deferred(), deferred()]
  scenario(
    'a handler that answers after its body was refused goes on without a fault, and one answer goes out',
    {
      options: { maxBody: 1000 },
      handler: async (req, res) => {
        req.resume()
        await refused.promise
        try {
          res.setHeader('x', 'y')
          res.writeHead(200)
          res.end('ok')
          done.resolve()
        } catch (error) {
          done.reject(error)
        }
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk(LARGE) + LAST_CHUNK)
      await client.answers(1)
      refused.resolve()
      await done.promise
      await client.closed()
      t.same(client.statuses, [413])
    },
  )
}

scenario(
  'a refused body is answered even where its reader only notes the error',
  {
    options: { maxBody: 1000 },
    handler: (req, res) => {
      req.on('error', () => {})
      req.pipe(new Writable({ write: (_chunk, _encoding, done) => done() })).on('finish', () => res.end())
    },
  },
  async (t, server) => {
    const clock = new FakeClock(t)
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk(LARGE) + LAST_CHUNK)
    await until(() => server.governor.stats().refused.ERR_PLIMSOLL_BODY_TOO_LARGE === 1, 'the refusal')
    t.same(client.statuses, [], 'its reader may still answer')
    clock.tick(LINGER_MS)
    t.same(await client.answers(1), [413])
    client.leave()
  },
)

{
  const open = new Map<string, ServerResponse>()
  scenario(
    'requests pipelined behind an endless response take no place in the queue, and time out',
    {
      options: { budget: 1000, queue: { limit: 1, timeoutMs: 1000 } },
      handler: (req, res) => {
        req.resume()
        open.set(req.url as string, res)
      },
    },
    async (t, server) => {
      const clock = new FakeClock(t)
      const endless = await server.connect()
      endless.write(head('GET', '/events') + post('/x', 'a').repeat(70))
      await server.queued(63)
      await until(
        () => server.governor.stats().refused.ERR_PLIMSOLL_QUEUE_FULL === 7,
        'refusals of the others',
      )
      t.equal(server.governor.budget.waiting, 0)

      const [holder, waiter] = [await server.connect(), await server.connect()]
      holder.write(post('/hold', 'b'.repeat(800)))
      await server.reached(2)
      waiter.write(post('/wait', 'c'.repeat(800)))
      await server.queued(64)
      open.get('/hold')?.end()
      await server.reached(3)
      open.get('/wait')?.end()
      t.same([...(await holder.answers(1)), ...(await waiter.answers(1))], [200, 200])

      clock.tick(1000)
      await server.queued(0)
      t.match(server.governor.stats().refused, { ERR_PLIMSOLL_QUEUE_TIMEOUT: 63 })
      endless.leave()
    },
  )
}

{
  const open = new Map<string, { res: ServerResponse; reservation: RequestReservation }>()
  scenario(
    'a request does not grow into the bytes that an earlier one on its connection waits for',
    {
      options: { budget: 1000, cost: ({ headers }) => Number(headers['x-cost'] ?? 0) },
      handler: (_req, res, reservation) => open.set(_req.url as string, { res, reservation }),
    },
    async (t, server) => {
      const [holder, client] = [await server.connect(), await server.connect()]
      holder.write(head('GET', '/hold', { 'x-cost': 300 }))
      await server.reached(1)
      client.write(head('GET', '/first', { 'x-cost': 800 }) + head('GET', '/free'))
      await server.reached(2)
      t.equal(open.get('/free')?.reservation.tryGrow(700), false)
      open.get('/hold')?.res.end()
      await server.reached(3)
      for (const { res } of open.values()) res.end()
      t.same(await client.answers(2), [200, 200])
    },
  )
}

for (const waits of [false, true]) {
  t.test(
    `a server sees a rejected handler${waits ? ' that waited' : ''} as its own, and is its this`,
    async t => {
      const before = EventEmitter.captureRejections
      EventEmitter.captureRejections = true
      t.teardown(() => {
        EventEmitter.captureRejections = before
      })
      const governor = new Governor({ budget: 10, cost: 10, logger: silent })
      let self: unknown
      const handler = async function (this: unknown): Promise<void> {
        self = this
        throw new Error('on purpose')
      }
      const server = createServer(governor.listener(handler))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      t.teardown(() => server.close())
      const room = waits ? governor.budget.charge(10) : undefined
      const client = await RawClient.connect((server.address() as AddressInfo).port)
      t.teardown(() => client.leave())
      client.write(head('GET', '/', { Connection: 'close' }))
      if (waits) await until(() => governor.stats().waiting === 1, 'its place in the queue')
      room?.release()
      t.same(await client.answers(1), [500])
      t.ok(self instanceof Server)
      await until(() => governor.stats().active === 0, 'the release')
    },
  )
}

scenario(
  'a cost function may return a fraction of a byte',
  { options: { cost: ({ declaredBytes = 0 }) => declaredBytes * 1.5 } },
  async (t, server) => {
    t.match(await server.send('/a', 'a'.repeat(11)), { status: 200, text: '11' })
  },
)

{
  const work = deferred()
  scenario(
    'closing keeps no process alive for held work',
    {
      closes: true,
      handler: (_req, res, reservation) => {
        reservation.hold(work.promise)
        res.end()
      },
    },
    async (t, server) => {
      await server.send('/a')
      const timers = activeTimers()
      const closed = server.governor.close()
      // Promises only: no timer of Node's comes or goes meanwhile.
      for (let i = 0; i < 20; i++) await undefined
      t.equal(activeTimers(), timers)
      work.resolve()
      await closed
    },
  )
}

scenario(
  'two requeues at once are served one after the other, and the last one holds',
  {
    options: { budget: 1000 },
    handler: async (_req, res, reservation) => {
      await Promise.all([reservation.requeue(1000), reservation.requeue(600)])
      res.end(String(reservation.bytes))
    },
  },
  async (t, server) => {
    t.match(await server.send('/a'), { status: 200, text: '600' })
  },
)

for (const option of ['exempt', 'cost']) {
  // The next request is exempt or free.
  const ask = ({ url }: { url: string }): unknown =>
    url === '/next' ? (option === 'cost' ? 0 : true) : Promise.reject(new Error('later'))
  scenario(
    `a rejected promise of an async ${option} function is a refusal and not unhandled`,
    { options: anyValue({ [option]: ask }) },
    async (t, server) => {
      t.match(await server.send('/a'), { status: 500, text: /ERR_PLIMSOLL_COST_FUNCTION/ })
      t.same(server.handled, [])
    },
  )
}

for (const [name, value] of Object.entries({
  'transfer-encoding': 'chunked',
  'content-encoding': 'gzip',
  'cache-control': 'public, max-age=600',
  etag: '"x"',
})) {
  const presets: Handler = (req, res) => {
    res.setHeader(name, value)
    req.on('data', () => {}).on('end', () => res.end())
  }
  scenario(
    `a refusal has no ${name} that the handler set for its own answer`,
    { options: { maxBody: 1000 }, handler: presets },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk(LARGE))
      await client.receives('ERR_PLIMSOLL_BODY_TOO_LARGE')
      t.same(client.statuses, [413])
      t.notOk(client.received.toLowerCase().includes(`${name}:`))
      client.leave()
    },
  )
}

for (const [what, body, status] of [
  ['is served', chunk('12345') + LAST_CHUNK, 200],
  ['is refused a body over its limit', chunk(LARGE), 413],
] as const) {
  scenario(
    `a request of HTTP/1 that calls itself one of HTTP/2 ${what}`,
    { options: { maxBody: 1000 } },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED).replace('HTTP/1.1', 'HTTP/2.0') + body)
      t.same(await client.answers(1), [status])
      client.leave()
    },
  )
}

/** Another request's work, which fails with the first client that leaves: as a shared `fetch(url, { signal })` does. */
function sharedWork(): (signal: AbortSignal) => Promise<never> {
  let work: Promise<never> | undefined
  return signal => {
    work ??= new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return work
  }
}

{
  const work = sharedWork()
  const governor = new Governor({ budget: 10, cost: 1, logger: silent })
  t.test('a client is answered though the work it shared with another fails with that one', async t => {
    const server = createServer(governor.listener(req => work(reservationOf(req).signal)))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const leaving = await RawClient.connect(port)
    leaving.write(head('GET', '/leaving'))
    await until(() => governor.stats().active === 1, 'the first')
    const staying = await RawClient.connect(port)
    staying.write(head('GET', '/staying'))
    await until(() => governor.stats().active === 2, 'the second')
    leaving.leave()
    t.same(await staying.answers(1), [499])
    staying.leave()
    await until(() => governor.stats().active === 0, 'the release of both')
  })
}

for (const late of [
  (res: ServerResponse, done: () => void) => res.appendHeader('Vary', 'Accept').end('late', done),
  (res: ServerResponse, done: () => void) => anyValue<ServerResponse>(res).setHeader('x', 'y').end(done),
  (res: ServerResponse, done: () => void) => {
    res.flushHeaders()
    res.write('late', 'utf8', () => res.end(done))
  },
]) {
  const wrote = deferred()
  scenario(
    `a handler that does not know of the refusal, and writes, is called back and fails nowhere: ${late}`,
    {
      options: { maxBody: 1000 },
      handler: async (req, res, reservation) => {
        req.on('data', () => {})
        reservation.hold(wrote.promise)
        await until(() => res.writableEnded, 'the answer to the refusal')
        late(res, wrote.resolve)
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk(LARGE))
      t.same(await client.answers(1), [413])
      await wrote.promise
      t.notMatch(client.received, /late/)
      client.leave()
    },
  )
}

t.test('a handler that no governor meets may write its head before it reads: 100 is still due', async t => {
  const server = createServer((req, res) => {
    res.writeHead(200)
    req.pipe(res)
  })
  new Governor({ budget: 10, logger: silent }).attach(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const client = await RawClient.connect((server.address() as AddressInfo).port)
  client.write(head('POST', '/', { Expect: '100-continue', 'Content-Length': 5 }))
  await until(() => /^HTTP\/1\.1 100 Continue\r\n\r\n/.test(client.received), 'the 100')
  client.write('hello')
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*hello/)
})

t.test('a listener that the application adds for one request only has that one to itself', async t => {
  let requests = 0
  const server = createServer((req, res) => {
    requests++
    req.pipe(res)
  })
  new Governor({ budget: 10, logger: silent }).attach(server)
  server.once('checkContinue', (req, res) => {
    res.writeContinue()
    server.emit('request', req, res)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const client = await RawClient.connect((server.address() as AddressInfo).port)
  client.write(head('POST', '/', { Expect: '100-continue', 'Content-Length': 5 }))
  client.write('hello')
  t.same(await client.answers(2), [100, 200])
  t.equal(requests, 1)
  client.leave()
})

{
  const told: unknown[] = []
  scenario(
    'who asks whether a cut body was whole, once it is answered, is told no',
    {
      options: { maxBody: 1000 },
      handler: (req, res) => {
        req.on('data', () => {})
        req.on('error', error => setTimeout(() => answerFault(res, error), 10))
        for (const event of ['finish', 'close']) res.on(event, () => told.push(event, req.complete))
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk(LARGE))
      t.same(await client.answers(1), [413])
      await client.closed()
      await until(() => told.length === 4, 'both')
      t.same(told, ['finish', false, 'close', false])
    },
  )
}
