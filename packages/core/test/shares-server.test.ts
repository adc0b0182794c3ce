import type { ServerResponse } from 'node:http'
import t from 'tap'
import type { RequestReservation } from '../src/governed-request.ts'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { type GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { head, post } from './fixtures/raw-client.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const KiB = 1024
const BODY = 'x'.repeat(200 * KiB)

/** A budget of 1 MiB, of which a key may hold 256 KiB. */
function options(share: Partial<GovernorOptions['share']> = {}, queue = {}): GovernorOptions {
  return { budget: '1MiB', share: { key: 'address', ...share }, queue }
}

interface Kept {
  readonly res: ServerResponse
  readonly reservation: RequestReservation
}

/** Keeps what comes on `/keep…` for the test to answer; the rest is answered when its body is there. */
function keeping(): { kept: Kept[]; handler: Handler } {
  const kept: Kept[] = []
  return {
    kept,
    handler: (req, res, reservation) => {
      req.resume()
      if (req.url?.startsWith('/keep')) kept.push({ res, reservation })
      else req.on('end', () => res.end(req.url))
    },
  }
}

async function over(server: GovernedServer): Promise<void> {
  await server.idle()
  await until(() => server.governor.stats().keys === 0, 'no key that is known')
}

const flood = keeping()
scenario(
  'while one address floods, another is served at once, and the first in its turn',
  { options: options(), handler: flood.handler },
  async (t, server) => {
    const mine = await Promise.all(Array.from({ length: 5 }, () => server.connect('127.0.0.1')))
    for (const [n, client] of mine.entries()) client.write(post(`/keep${n}`, BODY))
    await server.reached(1)
    await server.queued(4)
    t.match(server.governor.stats(), { reserved: 200 * KiB, keys: 1 })
    for (const address of ['127.0.0.2', '127.0.0.3']) {
      const other = await server.connect(address)
      other.write(post(`/${address}`, BODY))
      t.same(await other.answers(1), [200])
    }
    for (const n of mine.keys()) {
      await server.reached(n + 3)
      flood.kept[n]?.res.end()
    }
    for (const client of mine) t.same(await client.answers(1), [200])
    await over(server)
  },
)

const refused = keeping()
scenario(
  'who is over its share is refused with 429, where it may not wait',
  { options: options({ over: 'refuse' }), handler: refused.handler },
  async (t, server) => {
    const clients = [await server.connect(), await server.connect(), await server.connect('127.0.0.2')]
    clients[0]?.write(post('/keep', BODY))
    await server.reached(1)
    clients[1]?.write(post('/', BODY))
    t.same(await clients[1]?.answers(1), [429])
    t.match(clients[1]?.received, /^retry-after: \d+\r$/im)
    t.match(clients[1]?.received, /Too many requests of one client/)
    t.match(server.governor.stats().refused, { ERR_PLIMSOLL_OVER_SHARE: 1 })
    clients[2]?.write(post('/', BODY))
    t.same(await clients[2]?.answers(1), [200])
    refused.kept[0]?.res.end()
    await clients[0]?.answers(1)
    await over(server)
  },
)

const late = keeping()
scenario(
  'who waits too long for its share is refused with 429',
  { options: options({}, { timeoutMs: 50 }), handler: late.handler },
  async (t, server) => {
    const clients = [await server.connect(), await server.connect()]
    clients[0]?.write(post('/keep', BODY))
    await server.reached(1)
    clients[1]?.write(post('/', BODY))
    t.same(await clients[1]?.answers(1), [429])
    t.match(clients[1]?.received, /^retry-after: \d+\r$/im)
    late.kept[0]?.res.end()
    await over(server)
  },
)

const tenants = keeping()
scenario(
  'a function tells whose a request is, and whose it is nobody’s has no bound',
  {
    options: options({ key: req => req.headers['x-tenant'] as string | undefined }),
    handler: tenants.handler,
  },
  async (t, server) => {
    const send = async (tenant: string | undefined, path: string) => {
      const client = await server.connect()
      const headers = { 'Content-Length': BODY.length, ...(tenant && { 'X-Tenant': tenant }) }
      client.write(head('POST', path, headers) + BODY)
      return client
    }
    const a = await send('a', '/keep')
    await server.reached(1)
    const second = await send('a', '/second')
    await server.queued(1)
    t.same(await (await send('b', '/')).answers(1), [200])
    const nobodys = [await send(undefined, '/keep'), await send(undefined, '/keep')]
    await server.reached(4)
    t.match(server.governor.stats(), { reserved: 600 * KiB, keys: 1, waiting: 1 })
    for (const { res } of tenants.kept) res.end()
    for (const client of [a, second, ...nobodys]) t.same(await client.answers(1), [200])
    await over(server)
  },
)

for (const [what, key] of [
  [
    'throws',
    () => {
      throw new Error('no key')
    },
  ],
  ['returns no string', () => 5],
] as const) {
  t.test(`a key function that ${what} answers 500, and nothing is admitted`, async t => {
    const governor = new Governor({
      budget: '1MiB',
      logger: silent,
      share: { key: key as () => string },
    })
    const server = PROTOCOLS.http.create(governor.listener(() => t.fail('it was called')))
    const client = PROTOCOLS.http.connect(await listening(t, server))
    t.teardown(() => client.close())
    t.match(await client.post('1'), { status: 500 })
    t.match(governor.stats(), { refused: { ERR_PLIMSOLL_COST_FUNCTION: 1 }, admitted: 0, keys: 0 })
  })
}

const leavers = keeping()
scenario(
  'who leaves the line of its key leaves nothing, and those behind go on',
  { options: options(), handler: leavers.handler },
  async (t, server) => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => server.connect()))
    for (const [n, client] of clients.entries()) {
      client.write(post(n === 0 ? '/keep' : `/${n}`, n === 1 ? BODY : 'x'.repeat(100 * KiB)))
      if (n === 0) await server.reached(1)
      else await server.queued(n === 1 ? 1 : n)
    }
    clients[1]?.leave()
    leavers.kept[0]?.res.end()
    t.same(await clients[2]?.answers(1), [200])
    t.same(await clients[3]?.answers(1), [200])
    await over(server)
  },
)

const closing = keeping()
scenario(
  'who waits for its share is refused with 503 when the server closes',
  { options: options(), handler: closing.handler, closes: true },
  async (t, server) => {
    const clients = [await server.connect(), await server.connect()]
    clients[0]?.write(post('/keep', BODY))
    await server.reached(1)
    clients[1]?.write(post('/', BODY))
    await server.queued(1)
    const closed = server.governor.close()
    t.same(await clients[1]?.answers(1), [503])
    closing.kept[0]?.res.end()
    await closed
    await over(server)
  },
)

for (const mayWait of [true, false]) {
  const { kept, handler } = keeping()
  scenario(
    `who asks for other bytes ${mayWait ? 'waits for its share' : 'is refused over its share'}, too`,
    { options: options({ over: mayWait ? 'wait' : 'refuse' }), handler },
    async (t, server) => {
      const clients = [await server.connect(), await server.connect()]
      clients[0]?.write(post('/keep', BODY))
      clients[1]?.write(post('/keep', 'x'))
      await server.reached(2)
      const requeued = kept.find(({ reservation }) => reservation.bytes === 1) as Kept
      const first = kept.find(({ reservation }) => reservation.bytes > 1) as Kept
      const outcome = requeued.reservation.requeue(BODY.length).then(
        () => requeued.reservation.bytes,
        (error: { code: string }) => error.code,
      )
      if (mayWait) await until(() => server.governor.budget.waiting === 1, 'one that waits')
      else t.equal(await outcome, 'ERR_PLIMSOLL_OVER_SHARE')
      first.res.end()
      if (mayWait) t.equal(await outcome, BODY.length)
      requeued.res.end()
      for (const client of clients) await client.answers(1)
      await over(server)
    },
  )
}

const pipelined = keeping()
scenario(
  'pipelined requests of one key take their turns',
  { options: options(), handler: pipelined.handler },
  async (t, server) => {
    const clients = [await server.connect(), await server.connect()]
    for (const client of clients) client.write(['/a', '/b', '/c'].map(path => post(path, BODY)).join(''))
    for (const client of clients) t.same(await client.answers(3), [200, 200, 200])
    await over(server)
  },
)

const gone = keeping()
scenario(
  'a pipelined request whose client left before its turn does not wait for its share',
  {
    options: {
      ...options(),
      cost: ({ url, declaredBytes = 0 }) => (url === '/second' ? BODY.length : declaredBytes),
    },
    handler: gone.handler,
  },
  async (t, server) => {
    const [holder, client] = [await server.connect(), await server.connect()]
    client.write(post('/keep', 'x') + head('GET', '/second'))
    await server.reached(1)
    holder.write(post('/keep', BODY))
    await server.reached(2)
    await server.queued(1)
    client.reset()
    await server.queued(0)
    t.match(server.governor.stats(), { active: 1, refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 } })
    for (const { res } of gone.kept) res.end()
    await over(server)
  },
)

scenario(
  'what a stalled sender has promised is lent to others of its key',
  { options: { ...options(), budget: '4MiB' } },
  async (t, server) => {
    const slow = await server.connect()
    slow.write(`${head('POST', '/slow', { 'Content-Length': 1024 * KiB })}1`)
    await server.reached(1)
    const mate = await server.connect()
    mate.write(post('/mate', 'x'.repeat(512 * KiB)))
    t.same(await mate.answers(1), [200])
    t.ok(server.governor.stats().lent > 0)
    slow.write('1'.repeat(1024 * KiB - 1))
    t.same(await slow.answers(1), [200])
    await over(server)
  },
)

for (const [who, declared, sent, wanted] of [
  ['others of its key wait', 1024 * KiB, 1020 * KiB, 512 * KiB],
  ['one waits that is larger than the share', 512 * KiB, 510 * KiB, 2048 * KiB],
] as const) {
  scenario(
    `a stalled sender that has sent nearly all of its share is cut where ${who}`,
    { options: { ...options(), budget: '4MiB' } },
    async (t, server) => {
      const slow = await server.connect()
      slow.write(head('POST', '/slow', { 'Content-Length': declared }) + '1'.repeat(sent))
      await until(() => server.governor.stats().paidIn > sent - 10 * KiB, 'what was sent')
      const mate = await server.connect()
      mate.write(post('/mate', 'x'.repeat(wanted)))
      t.same(await mate.answers(1), [200])
      t.same(await slow.answers(1), [408])
      await slow.closed()
      await over(server)
    },
  )
}

const regrown = keeping()
scenario(
  'who has given back all and grows again is counted to the same key',
  { options: options(), handler: regrown.handler },
  async (t, server) => {
    const client = await server.connect()
    client.write(post('/keep', BODY))
    await server.reached(1)
    const { res, reservation } = regrown.kept[0] as Kept
    await reservation.requeue(0)
    t.match(server.governor.stats(), { reserved: 0, keys: 0 })
    t.equal(reservation.tryGrow(100 * KiB), true)
    t.match(server.governor.stats(), { reserved: 100 * KiB, keys: 1 })
    res.end()
    await over(server)
  },
)

const nobodys = keeping()
scenario(
  'what is nobody’s has no bound, also where it grows from nothing',
  { options: options({ key: () => undefined }), handler: nobodys.handler },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('GET', '/keep'))
    await server.reached(1)
    const { res, reservation } = nobodys.kept[0] as Kept
    t.equal(reservation.tryGrow('1MiB'), true)
    t.match(server.governor.stats(), { reserved: 2 ** 20, keys: 0 })
    res.end()
    await over(server)
  },
)
