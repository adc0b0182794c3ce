import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createGunzip, gzipSync } from 'node:zlib'
import t from 'tap'
import type { ObservedMessage } from '../src/diagnostics.ts'
import type { PlimsollErrorCode } from '../src/errors.ts'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import type { RoutePolicy } from '../src/route-policy.ts'
import { type GovernedServer, type Handler, type Setup, scenario } from './fixtures/governed-server.ts'
import { listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { recordingLogger, silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const KiB = 1024
const GZIP = { 'Content-Encoding': 'gzip' }
const WOULD_HAVE = 'plimsoll would have refused a request'

function observing(options: GovernorOptions = {}): GovernorOptions {
  return { mode: 'observe', budget: 100, ...options }
}

/** A handler that answers nothing itself, in observe mode. */
function kept(options?: GovernorOptions): { readonly kept: KeptRequests; readonly setup: Setup } {
  const kept = new KeptRequests()
  return { kept, setup: { options: observing(options), handler: kept.handler } }
}

function observed(server: GovernedServer): ReturnType<Governor['stats']>['observed'] {
  return server.governor.stats().observed
}

/** Nobody was refused, and of all of them that would have been only this one, once. */
function countedOnce(server: GovernedServer, code: PlimsollErrorCode, route = 'POST /a') {
  return {
    stats: { refused: server.governor.stats().refused, observed: observed(server).refused },
    reported: server.governor.report().routes.find(row => row.route === route)?.refused,
    expected: {
      stats: { refused: {}, observed: { [code]: 1 } },
      reported: { [code]: 1 },
    },
  }
}

/** Answers with how much the body becomes. */
const gunzips: Handler = (req, res) => {
  let length = 0
  const decoder = req.pipe(createGunzip())
  decoder.on('data', (data: Buffer) => {
    length += data.length
  })
  decoder.on('end', () => res.end(String(length)))
  decoder.on('error', error => res.end(String(error)))
}

{
  const { kept: requests, setup } = kept({ queue: { limit: 1, timeoutMs: 50 } })
  const messages: ObservedMessage[] = []
  const listen = (message: unknown): void => {
    messages.push(message as ObservedMessage)
  }
  const logger = recordingLogger()
  scenario(
    'nothing waits though all is full, and what would have waited or been refused is told',
    { ...setup, options: { ...setup.options, logger } },
    async (t, server) => {
      subscribe('plimsoll:observed', listen)
      t.teardown(() => unsubscribe('plimsoll:observed', listen))
      const clients = await Promise.all([1, 2, 3].map(() => server.connect()))
      for (const [n, client] of clients.entries()) {
        client.write(post('/a', 'x'.repeat(60)))
        await server.reached(n + 1)
      }
      t.match(server.governor.stats(), { waiting: 0, active: 3, reserved: 180, queued: 0 })
      t.match(observed(server), { waiting: 1, queued: 1, refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 } })
      await until(() => observed(server).waiting === 0, 'the time-out of who would have waited')
      for (const { res } of requests.all) res.end('served')
      for (const client of clients) t.same(await client.answers(1), [200])
      await server.idle()
      const refused = { ERR_PLIMSOLL_QUEUE_FULL: 1, ERR_PLIMSOLL_QUEUE_TIMEOUT: 1 }
      t.match(observed(server), { waiting: 0, queued: 1, refused, connectionsOver: 0 })
      t.same(server.governor.stats().refused, {})
      const { routes, mode } = server.governor.report()
      t.equal(mode, 'observe')
      t.match(routes, [{ route: 'POST /a', requests: 3, queued: 1, refused }])
      t.match(
        messages.map(({ error, waitedMs }) => [error?.code, waitedMs]),
        [
          ['ERR_PLIMSOLL_QUEUE_FULL', 0],
          ['ERR_PLIMSOLL_QUEUE_TIMEOUT', 0],
        ],
      )
      t.same(
        logger.lines.map(line => line.message.startsWith(WOULD_HAVE)),
        [true, true],
      )
      t.notOk(
        clients.some(client => /retry-after|connection: close/i.test(client.received)),
        'no header of ours',
      )
    },
  )
}

{
  const { kept: requests, setup } = kept()
  const messages: ObservedMessage[] = []
  const listen = (message: unknown): void => {
    messages.push(message as ObservedMessage)
  }
  scenario('who would have waited for a while is told for how long', setup, async (t, server) => {
    subscribe('plimsoll:observed', listen)
    t.teardown(() => unsubscribe('plimsoll:observed', listen))
    const clients = [await server.connect(), await server.connect()]
    for (const client of clients) client.write(post('/a', 'x'.repeat(60)))
    await server.reached(2)
    t.match(observed(server), { waiting: 1, queued: 1 })
    requests.at(0).res.end()
    await until(() => observed(server).waiting === 0, 'the turn of the other')
    t.match(messages, [{ error: undefined }])
    t.ok((messages[0]?.waitedMs ?? 0) > 0)
    requests.at(1).res.end()
    await server.idle()
    const [row] = server.governor.report().routes
    t.match(row, { queued: 1, refused: {} })
    t.ok((row?.waitedMs.max ?? 0) > 0)
  })
}

const TABLE: Record<string, [PlimsollErrorCode, GovernorOptions, Record<string, string | number>]> = {
  'that declares too much': ['ERR_PLIMSOLL_BODY_TOO_LARGE', { maxBody: 10 }, { 'Content-Length': 80 }],
  'that is larger than the budget': [
    'ERR_PLIMSOLL_BODY_OVER_BUDGET',
    { budget: 50 },
    { 'Content-Length': 80 },
  ],
  'that grows too large': ['ERR_PLIMSOLL_BODY_TOO_LARGE', { maxBody: 10 }, CHUNKED],
  'of a stream that grows too large': [
    'ERR_PLIMSOLL_BODY_TOO_LARGE',
    { maxBody: 10, body: 'stream', budget: '1MiB' },
    CHUNKED,
  ],
  'without a length where one is required': [
    'ERR_PLIMSOLL_LENGTH_REQUIRED',
    { requireLength: true },
    CHUNKED,
  ],
  'whose cost function throws': [
    'ERR_PLIMSOLL_COST_FUNCTION',
    {
      cost: () => {
        throw new Error('a bug')
      },
    },
    { 'Content-Length': 80 },
  ],
  'whose cost function throws once it has grown': [
    'ERR_PLIMSOLL_COST_FUNCTION',
    {
      cost: ({ declaredBytes = 0 }) => {
        if (declaredBytes < 90) throw new Error('a bug')
        return declaredBytes
      },
    },
    CHUNKED,
  ],
  'whose cost function knows no body of that size': [
    'ERR_PLIMSOLL_BODY_TOO_LARGE',
    {
      maxBody: 10,
      cost: ({ declaredBytes = 0 }) => {
        if (declaredBytes > 10) throw new Error('it was promised that there are none')
        return declaredBytes
      },
    },
    CHUNKED,
  ],
  'that is encoded where that is not accepted': [
    'ERR_PLIMSOLL_ENCODING',
    { acceptEncoded: false },
    { 'Content-Length': 80, ...GZIP },
  ],
  'that is exempt and declares too much': [
    'ERR_PLIMSOLL_BODY_TOO_LARGE',
    { exempt: () => true, maxBody: 10 },
    { 'Content-Length': 80 },
  ],
}

for (const [what, [code, options, headers]] of Object.entries(TABLE)) {
  scenario(
    `a body ${what} is served as without us, and counted once`,
    { options: observing(options) },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', headers))
      const chunked = headers === CHUNKED
      for (let part = 0; part < 4; part++) client.write(chunked ? chunk('x'.repeat(20)) : 'x'.repeat(20))
      if (chunked) client.write(LAST_CHUNK)
      t.same(await client.answers(1), [200])
      await client.receives('80')
      await server.idle()
      const { expected, ...counted } = countedOnce(server, code)
      t.same(counted, expected)
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario('a length that is none is for the handler to mind', setup, async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', { 'Content-Length': '9'.repeat(17) }))
    await server.reached(1)
    client.write('x'.repeat(200))
    await until(() => requests.at(0).req.socket.bytesRead > 200, 'the body')
    requests.at(0).res.end('served')
    t.same(await client.answers(1), [200])
    client.leave()
    await server.idle()
    const { expected, ...counted } = countedOnce(server, 'ERR_PLIMSOLL_BAD_LENGTH')
    t.same(counted, expected)
  })
}

for (const [what, code, options] of [
  ['the largest body', 'ERR_PLIMSOLL_BODY_TOO_LARGE', { budget: '64MiB', maxBody: '100KiB' }],
  [
    'the largest body of a stream',
    'ERR_PLIMSOLL_BODY_TOO_LARGE',
    { budget: '1MiB', maxBody: '100KiB', body: 'stream' },
  ],
  [
    'the largest body of what is exempt',
    'ERR_PLIMSOLL_BODY_TOO_LARGE',
    { budget: '1MiB', maxBody: '100KiB', exempt: () => true },
  ],
  ['the budget', 'ERR_PLIMSOLL_BODY_OVER_BUDGET', { budget: '100KiB' }],
] as const) {
  scenario(
    `an encoded body that becomes more than ${what} is decoded to its end, and counted once`,
    { options: observing(options), handler: gunzips },
    async (t, server) => {
      const body = gzipSync(Buffer.alloc(300 * KiB))
      t.match(await server.send('/a', body, GZIP), { status: 200, text: String(300 * KiB) })
      await server.idle()
      const { expected, ...counted } = countedOnce(server, code)
      t.same(counted, expected)
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario(
    'a handler grows into what is not there, and what it would have been told is not counted',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', 'x'.repeat(60)))
      await server.reached(1)
      const { reservation, res } = requests.at(0)
      t.equal(reservation.tryGrow(30), true)
      t.equal(reservation.tryGrow(30), true)
      t.equal(reservation.bytes, 120)
      t.equal(server.governor.budget.reserved, 120)
      reservation.shrink(10)
      t.equal(reservation.bytes, 10)
      // The twin has shrunk, too: there is room for 90 more.
      const other = await server.connect()
      other.write(post('/a', 'x'.repeat(90)))
      await server.reached(2)
      t.match(observed(server), { queued: 0, refused: {} })
      res.end()
      requests.at(1).res.end()
      await server.idle()
      t.equal(reservation.tryGrow(1), false, 'once it is over, as ever')
      t.equal(server.governor.budget.reserved, 0)
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario('a requeue for more than the budget is granted at once, and counted', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', 'x'.repeat(60)))
    await server.reached(1)
    const { reservation, res } = requests.at(0)
    await reservation.requeue(500)
    t.equal(reservation.bytes, 500)
    await reservation.requeue(20)
    t.equal(reservation.bytes, 20)
    res.end('served')
    t.same(await client.answers(1), [200])
    await server.idle()
    const refused = { ERR_PLIMSOLL_COST_OVER_BUDGET: 1 }
    t.same(observed(server).refused, refused, 'once')
    t.same(server.governor.stats().refused, {})
    t.match(server.governor.report().routes, [{ route: 'POST /a', refused }])
    await t.rejects(reservation.requeue(1), { code: 'ERR_PLIMSOLL_RELEASED' })
  })
}

{
  const { kept: requests, setup } = kept()
  scenario(
    'what has cost nothing is rehearsed from the moment on at which it wants something',
    setup,
    async (t, server) => {
      const clients = [await server.connect(), await server.connect()]
      for (const [index, client] of clients.entries()) {
        client.write(head('GET', '/a'))
        await server.reached(index + 1)
      }
      const [one, other] = [requests.at(0), requests.at(1)]
      t.match(observed(server), { queued: 0, waiting: 0 })
      t.equal(one.reservation.tryGrow(60), true)
      await other.reservation.requeue(60)
      t.equal(server.governor.budget.reserved, 120)
      t.equal(observed(server).waiting, 1, 'there would have been no room')
      one.res.end()
      await until(() => observed(server).waiting === 0, 'the end of the wait that would have been')
      other.res.end('served')
      t.same(await Promise.all(clients.map(client => client.answers(1))), [[200], [200]])
      await server.idle()
      t.match(server.governor.stats(), { reserved: 0, queued: 0, observed: { refused: {} } })
    },
  )
}

/** Asks for a second admission, and answers with what it holds then. */
function admitsAgain(policy: RoutePolicy | false): Handler {
  return (req, res, reservation, { governor }) => {
    const again = governor.admit(req, res, policy)
    req.resume().on('end', () => {
      res.end(again === reservation ? String(reservation.bytes) : 'another')
    })
  }
}

for (const [what, policy, holds, refused] of [
  ['that costs more than there is room for', { cost: 90 }, '90', { ERR_PLIMSOLL_NO_ROOM: 1 }],
  ['that costs more', { cost: 50 }, '50', {}],
  ['that costs less', { cost: 10 }, '10', {}],
  ['that is exempt', false, '0', {}],
  ['that costs more than the budget', { cost: 1000 }, '30', { ERR_PLIMSOLL_BODY_OVER_BUDGET: 1 }],
  ['that allows less', { maxBody: 10 }, '30', { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 }],
] as const) {
  scenario(
    `a second admission ${what} is no refusal`,
    { options: observing(), handler: admitsAgain(policy) },
    async (t, server) => {
      const { governor } = server
      // A request that takes 40 of the rehearsal, too.
      const other = await server.connect()
      const listeners = server.http.listeners('request') as Handler[]
      const done: ServerResponse[] = []
      server.http.removeAllListeners('request')
      server.http.on('request', (req: IncomingMessage, res: ServerResponse) => {
        if (req.url !== '/other') return (listeners[0] as (...args: unknown[]) => void)(req, res)
        governor.admit(req, res)
        req.resume()
        done.push(res)
      })
      other.write(post('/other', 'x'.repeat(40)))
      await until(() => done.length === 1, 'the other')
      t.match(await server.send('/a', 'x'.repeat(30)), { status: 200, text: holds })
      done[0]?.end()
      await server.idle()
      t.match(observed(server), { queued: 0, refused })
      t.same(observed(server).refused, refused)
      t.same(governor.stats().refused, {})
    },
  )
}

scenario(
  'a second admission bounds what would still have come in',
  {
    options: observing({ budget: '1MiB' }),
    handler: (req, res, reservation, server) => {
      server.governor.admit(req, res, { maxBody: 10 })
      let length = 0
      req.on('data', (data: Buffer) => {
        length += data.length
      })
      req.on('end', () => res.end(`${length} ${reservation.signal.aborted}`))
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED))
    await server.reached(1)
    client.write(chunk('x'.repeat(20)) + LAST_CHUNK)
    await client.receives('20 false')
    await server.idle()
    const { expected, ...counted } = countedOnce(server, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    t.same(counted, expected)
  },
)

{
  const decoders: ReturnType<typeof createGunzip>[] = []
  scenario(
    'a body is read on when its connection is over',
    {
      options: observing({ budget: '100KiB' }),
      handler: req => {
        decoders.push(req.pipe(createGunzip()))
      },
    },
    async (t, server) => {
      const client = await server.connect()
      const body = gzipSync(Buffer.alloc(300 * KiB))
      client.write(head('POST', '/a', { ...GZIP, 'Content-Length': body.length }))
      client.write(body)
      await server.reached(1)
      const [decoder] = decoders as [(typeof decoders)[0]]
      await until(() => decoder.readableLength > 0, 'the first of it')
      client.reset()
      await server.idle()
      let length = 0
      for await (const data of decoder) length += (data as Buffer).length
      t.equal(length, 300 * KiB)
      t.match(server.governor.stats(), { reserved: 0, refused: {}, active: 0 })
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario('a client that is gone before its admission is nobody’s loss', setup, async (t, server) => {
    const [listener] = server.http.listeners('request') as ((...args: unknown[]) => void)[]
    server.http.removeAllListeners('request')
    server.http.on('request', (req: IncomingMessage, res: ServerResponse) => {
      if (req.url === '/next') listener?.(req, res)
      else req.socket.on('close', () => listener?.(req, res))
    })
    const came = once(server.http, 'request')
    const client = await server.connect()
    client.write(head('POST', '/a', { 'Content-Length': 60 }))
    await came
    client.reset()
    await server.reached(1)
    t.match(requests.at(0).reservation, { bytes: 0, released: true })
    t.equal(requests.at(0).reservation.tryGrow(1), false)
    t.match(server.governor.stats(), { active: 0, admitted: 0, refused: {}, observed: { refused: {} } })
  })
}

{
  const { kept: requests, setup } = kept({ exempt: ({ url }) => url === '/probe' })
  scenario('what is exempt costs nothing, and its twin neither', setup, async (t, server) => {
    const clients = [await server.connect(), await server.connect()]
    clients[0]?.write(post('/a', 'x'.repeat(100)))
    await server.reached(1)
    clients[1]?.write(post('/probe', 'x'.repeat(50)))
    await server.reached(2)
    t.equal(requests.at(1).reservation.bytes, 0)
    t.match(observed(server), { queued: 0, refused: {} })
    for (const { res } of requests.all) res.end()
  })
}

{
  const { kept: requests, setup } = kept()
  scenario('what a response buffers is held, and nobody is cut for it', setup, async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    client.write(head('GET', '/a'))
    await server.reached(1)
    const { res } = requests.at(0)
    res.write(Buffer.alloc(16 * 2 ** 20))
    await until(() => server.governor.budget.reserved > 1024, 'what is buffered')
    client.socket.resume()
    res.end()
    await server.idle()
    const [row] = server.governor.report().routes
    t.ok((row?.bufferedBytes.max ?? 0) > 1024)
    t.match(observed(server).refused, {})
  })
}

{
  const { kept: requests, setup } = kept()
  scenario('who expects to be told to go on is told at once, as Node does', setup, async (t, server) => {
    server.governor.attach(server.http)
    const clients = [await server.connect(), await server.connect()]
    const expecting = { Expect: '100-continue', 'Content-Length': 80 }
    for (const client of clients) {
      client.write(head('POST', '/a', expecting))
      await client.receives('100 Continue')
    }
    await server.reached(2)
    t.equal(observed(server).waiting, 1)
    for (const client of clients) client.write('x'.repeat(80))
    for (const { res } of requests.all) res.end()
    for (const client of clients) t.same(await client.answers(2), [100, 200])
  })
}

{
  const { kept: requests, setup } = kept({ connections: 2 })
  const logger = recordingLogger()
  scenario(
    'connections that are too many are all served, and counted',
    { ...setup, options: { ...setup.options, logger } },
    async (t, server) => {
      server.governor.attach(server.http)
      const clients = await Promise.all([1, 2, 3, 4].map(() => server.connect()))
      for (const client of clients) client.write(head('GET', '/a'))
      await server.reached(4)
      for (const { res } of requests.all) res.end()
      for (const client of clients) t.same(await client.answers(1), [200])
      t.match(server.governor.stats(), {
        connections: 4,
        connectionsClosed: 0,
        connectionsRefused: 0,
        observed: { connectionsOver: 2 },
      })
      t.match(logger.lines, [{ message: /^plimsoll would have refused a connection/ }])
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario(
    'a governor that only observes closes when all are served, and refuses nobody',
    { ...setup, closes: true },
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', 'x'.repeat(60)))
      await server.reached(1)
      const closed = server.governor.close()
      const late = await server.connect()
      late.write(post('/a', 'x'.repeat(60)))
      await server.reached(2)
      for (const { res } of requests.all) res.end()
      for (const one of [client, late]) t.same(await one.answers(1), [200])
      await closed
      t.match(server.governor.stats(), { active: 0, refused: {} })
      t.same(observed(server).refused, { ERR_PLIMSOLL_CLOSED: 1 })
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a route alone may be observed, by its policy',
    {
      options: { budget: 100 },
      handler: (req, res, reservation, server) => {
        server.governor.admit(req, res)
        kept.handler(req, res, reservation, server)
      },
    },
    async (t, server) => {
      server.http.prependListener('request', (req: IncomingMessage, res: ServerResponse) => {
        if (req.url === '/observed') server.governor.admit(req, res, { mode: 'observe' })
      })
      const clients = [await server.connect(), await server.connect(), await server.connect()]
      clients[0]?.write(post('/observed', 'x'.repeat(60)))
      await server.reached(1)
      clients[1]?.write(post('/observed', 'x'.repeat(60)))
      await server.reached(2)
      t.match(server.governor.stats(), { reserved: 120, waiting: 0 })
      t.equal(server.governor.mode, 'enforce')
      clients[2]?.write(post('/a', 'x'.repeat(60)))
      await server.queued(1)
      kept.at(0).res.end()
      kept.at(1).res.end()
      await server.reached(3)
      kept.at(2).res.end()
      for (const client of clients) t.same(await client.answers(1), [200])
      t.match(server.governor.stats(), { queued: 1, observed: { queued: 1 } })
    },
  )
}

for (const [what, mode] of [
  [
    'throws',
    () => {
      throw new Error('a bug')
    },
  ],
  ['answers nonsense', () => 'off'],
  ['is async', async () => 'observe'],
] as const) {
  const switched = { broken: false }
  const handler: Handler = (req, res) => req.resume().on('end', () => res.end('served'))
  scenario(
    `a mode that ${what} is answered with 500`,
    { options: { mode: (() => (switched.broken ? mode() : 'observe')) as () => 'observe' }, handler },
    async (t, server) => {
      switched.broken = true
      const answer = await server.send('/a', '12345')
      switched.broken = false
      t.match(answer, { status: 500, text: /ERR_PLIMSOLL_COST_FUNCTION/ })
      t.same(server.handled, [])
      t.match(server.governor.stats(), { refused: { ERR_PLIMSOLL_COST_FUNCTION: 1 }, active: 0 })
      t.match(await server.send('/a', '12345'), { text: 'served' })
    },
  )
}

for (const name of ['h2c', 'h2'] as const) {
  t.test(`over ${name} nothing waits, either`, async t => {
    const governor = new Governor({ ...observing(), maxBody: 80, logger: silent })
    const open: { end(): void }[] = []
    const server = PROTOCOLS[name].create(
      governor.listener((req, res) => {
        req.resume()
        open.push(res as ServerResponse)
      }) as never,
    )
    governor.attach(server)
    const client = PROTOCOLS[name].connect(await listening(t, server))
    const asking = client.ask(70)
    await until(() => asking.told === 1, 'the 100')
    asking.end('x'.repeat(70))
    const others = [client.post('x'.repeat(90)), client.post('x'.repeat(70))]
    await until(() => open.length === 3, 'all three in the handler')
    t.match(governor.stats(), { waiting: 0, active: 3 })
    for (const res of open) res.end()
    for (const answer of [asking.answer(), ...others]) t.match(await answer, { status: 200 })
    await until(() => governor.stats().active === 0, 'the end of all')
    t.match(governor.stats(), { reserved: 0, refused: {} })
    t.ok(governor.stats().observed.refused.ERR_PLIMSOLL_BODY_TOO_LARGE === 1)
    client.close()
    await governor.close()
  })
}

scenario(
  'what is guessed for a response is no evidence of what requests need',
  { options: { budget: '4MiB', cost: 'auto', mode: 'observe' } },
  async (t, server) => {
    for (let request = 0; request < 3; request++) await server.send('/a', 'x'.repeat(1000))
    await server.idle()
    t.equal(server.governor.report().demandBytes.max, 64 * 1024 + 2500)
  },
)

scenario(
  'a mode that cannot be told fails the request that asks, and enforces wherever nobody could be told',
  {
    options: {
      mode: () => {
        throw new Error('no flags')
      },
    },
    closes: true,
  },
  async (t, server) => {
    server.governor.attach(server.http)
    t.equal(server.governor.mode, 'enforce')
    t.equal(server.governor.report().mode, 'enforce')
    const client = await server.connect()
    client.write(`${head('POST', '/a', { Expect: '100-continue', 'Content-Length': 1 })}`)
    t.same(await client.answers(1), [500])
    t.same(server.handled, [])
  },
)
