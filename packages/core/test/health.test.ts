import { inspect } from 'node:util'
import t from 'tap'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { healthOf, resolveHealth } from '../src/health.ts'
import type { Looks } from '../src/looks.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { scenario } from './fixtures/governed-server.ts'
import { post as upload } from './fixtures/raw-client.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const post = (path: string, bytes: number, sent: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${sent}`

const HEALTHY = { ready: true, live: true, reasons: [] }

for (const [health, message] of [
  [null, /^health must be an object/],
  [5, /^health must be an object/],
  [{ wedged: 5 }, /^the key "wedged" of health must be one of wedgedMs, shutMs/],
  ...[0, -1, 1.5, Number.NaN, '60', null, 2 ** 31].flatMap(bad => [
    [{ wedgedMs: bad }, /^health\.wedgedMs must be a whole number from 1/] as const,
    [{ shutMs: bad }, /^health\.shutMs must be a whole number from 1/] as const,
  ]),
] as const) {
  t.test(`health ${inspect(health)} is refused when the server starts`, async t => {
    t.throws(() => new Governor(anyValue<GovernorOptions>({ budget: 5, health })), {
      code: 'ERR_PLIMSOLL_OPTION',
      message,
    })
  })
}

t.test('a minute without a move is too long, and five seconds of short memory', async t => {
  t.same(resolveHealth(), { wedgedMs: 60_000, shutMs: 5000 })
  t.same(resolveHealth({ wedgedMs: 1, shutMs: 2 }), { wedgedMs: 1, shutMs: 2 })
})

t.test('what is wrong is said, and which probe it concerns', async t => {
  const limits = { wedgedMs: 60_000, shutMs: 5000 }
  const signs = { closing: false, draining: false, shutForMs: 4999, queued: 3, stillMs: 59_999 }
  t.same(healthOf(signs, limits), HEALTHY)
  t.match(healthOf({ ...signs, closing: true }, limits), { ready: false, live: true, reasons: [/^closing/] })
  t.match(healthOf({ ...signs, draining: true }, limits), {
    ready: false,
    live: true,
    reasons: [/^draining/],
  })
  t.match(healthOf({ ...signs, shutForMs: 5000 }, limits), {
    ready: false,
    live: true,
    reasons: [/^memory has been near its limit for 5 s$/],
  })
  const wedged = { ...signs, stillMs: 61_500 }
  t.match(healthOf(wedged, limits), {
    ready: false,
    live: false,
    reasons: [/^nothing was released and no bytes moved for 61 s, though 3 wait$/],
  })
  t.same(healthOf({ ...wedged, queued: 0 }, limits), HEALTHY, 'nobody minds')
  t.equal(healthOf({ ...wedged, closing: true, shutForMs: 9000 }, limits).reasons.length, 3)
})

t.test('who will close is not ready, and admits until then', async t => {
  const governor = new Governor({ budget: 100, logger: silent })
  t.equal(governor.draining, false)
  governor.drain()
  t.match(governor.health(), { ready: false, live: true, reasons: ['draining: it will close'] })
  t.equal(governor.draining, true)
})

t.test('who drains is live and not ready', async t => {
  const governor = new Governor({ budget: 100, logger: silent })
  t.same(governor.health(), HEALTHY)
  await governor.close()
  t.match(governor.health(), { ready: false, live: true })
})

scenario(
  'probes are answered while it drains, and others are not',
  {
    options: { exempt: ({ url }) => url === '/healthz' },
    handler: (req, res, _r, server) => {
      if (req.url === '/healthz') res.end(JSON.stringify(server.governor.health()))
      else server.http.once('go', () => res.end())
    },
    closes: true,
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', 4, '1234'))
    await server.reached(1)
    const closed = server.governor.close()
    t.match(JSON.parse((await server.send('/healthz')).text), { ready: false, live: true })
    t.match(await server.send('/b'), { status: 503 })
    server.http.emit('go')
    await client.answers(1)
    await closed
  },
)

t.test('who has a valve that is shut for long is not ready, until it opens', async t => {
  const governor = new Governor({ budget: 100, valve: true, health: { shutMs: 5000 }, logger: silent })
  const valve = { shutForMs: 5001 }
  const looks = governor.budget.looks as Looks
  looks.valve = anyValue(valve)
  t.match(governor.health(), { ready: false, live: true, reasons: [/near its limit/] })
  valve.shutForMs = 0
  t.same(governor.health(), HEALTHY)
})

const WEDGED_MS = 400

scenario(
  'where nothing moves and others wait it is not live; what costs nothing does not make it so; a release does',
  {
    options: {
      budget: 100,
      health: { wedgedMs: WEDGED_MS },
      exempt: ({ url }) => url === '/exempt',
    },
    handler: (req, res, _r, server) => {
      if (req.url === '/exempt') res.end('x'.repeat(100_000))
      else server.http.once('go', () => res.end())
    },
  },
  async (t, server) => {
    const [one, two] = [await server.connect(), await server.connect()]
    one.write(post('/a', 4, '1234'))
    await server.reached(1)
    two.write(post('/b', 97, '1'.repeat(97)))
    await server.queued(1)
    t.same(server.governor.health(), HEALTHY)
    await until(() => !server.governor.health().live, 'the end of its patience')
    t.match(await server.send('/exempt'), { status: 200 })
    t.match(server.governor.health(), { ready: false, live: false, reasons: [/though 1 wait$/] })
    server.http.emit('go')
    await one.answers(1)
    await server.reached(3)
    t.same(server.governor.health(), HEALTHY)
    server.http.emit('go')
    await two.answers(1)
  },
)

scenario(
  'one honest slow upload that holds the budget is live for as long as it sends',
  { options: { budget: 1000, health: { wedgedMs: WEDGED_MS } } },
  async (t, server) => {
    const [slow, waits] = [await server.connect(), await server.connect()]
    slow.write(post('/slow', 1000, ''))
    await server.reached(1)
    waits.write(post('/waits', 1000, '1'.repeat(1000)))
    await server.queued(1)
    const ends = performance.now() + 4 * WEDGED_MS
    let bytes = 0
    while (performance.now() < ends) {
      slow.write('1')
      bytes++
      await new Promise(resolve => setTimeout(resolve, 20))
      t.equal(server.governor.health().live, true)
    }
    slow.write('1'.repeat(1000 - bytes))
    await slow.answers(1)
    await waits.answers(1)
  },
)

scenario(
  'who waits for its own share alone, since its own long polls keep it, makes nobody take the server for dead',
  {
    options: {
      budget: 1000,
      queue: { lane: 0 },
      share: { key: ({ url }) => url?.slice(1, 2), of: 0.25 },
      health: { wedgedMs: WEDGED_MS },
    },
    handler: (_req, res, _r, server) => server.http.once('go', () => res.end()),
  },
  async (t, server) => {
    const clock = new FakeClock(t)
    const post = (path: string, bytes: number): string => upload(path, '1'.repeat(bytes))
    const clients = await Promise.all(Array.from({ length: 4 }, () => server.connect()))
    clients[0]?.write(post('/b', 200))
    await server.reached(1)
    clients[1]?.write(post('/a', 200))
    await server.reached(2)
    clients[2]?.write(post('/a', 200))
    await server.queued(1)
    clock.tick(10 * WEDGED_MS)
    t.same(server.governor.health(), HEALTHY, 'all others find room')
    clients[3]?.write(post('/c', 700))
    await server.queued(2)
    clock.tick(WEDGED_MS / 2)
    t.same(server.governor.health(), HEALTHY, 'his patience begins with his waiting')
    clock.tick(WEDGED_MS)
    t.match(server.governor.health(), { ready: false, live: false, reasons: [/though 1 wait$/] })
    server.http.emit('go')
    await server.reached(4)
    t.same(server.governor.health(), HEALTHY)
    server.http.emit('go')
    for (const client of clients) t.same(await client.answers(1), [200])
  },
)
