import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import type { RequestReservation } from '../src/governed-request.ts'
import { Governor } from '../src/governor.ts'
import type { RoutePolicy } from '../src/route-policy.ts'
import { RunOnce } from '../src/run-once.ts'
import { anyValue } from './fixtures/any-value.ts'
import { deferred } from './fixtures/deferred.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { answerFault, GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { listening } from './fixtures/http-servers.ts'
import { injected } from './fixtures/injected.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { recordingLogger, silent } from './fixtures/recording-logger.ts'
import { outcomeOf, promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

/** Admits once more with `policy` and says what became of it. */
function admittingAgain(
  policy: RoutePolicy | false,
  before?: (reservation: RequestReservation) => void,
): Handler {
  return (req, res, reservation, server) => {
    before?.(reservation)
    try {
      const again = server.governor.admit(req, res, policy)
      res.end(`${again === reservation ? 'the same' : 'another'} of ${reservation.bytes}`)
    } catch (error) {
      answerFault(res, error)
    }
  }
}

scenario(
  'stats tell what is held and what has been',
  {
    options: { budget: 100, queue: { limit: 1 } },
    handler: (_req, res, _r, server) => server.http.once('go', () => res.end()),
  },
  async (t, server) => {
    t.same(server.governor.stats(), {
      capacity: 100,
      ceiling: 100,
      reserved: 0,
      departed: 0,
      available: 100,
      paidIn: 0,
      lent: 0,
      lane: { capacity: 0, reserved: 0 },
      giants: 0,
      leftOver: 0,
      keys: 0,
      active: 0,
      waiting: 0,
      admitted: 0,
      queued: 0,
      released: 0,
      repeated: 0,
      connections: 0,
      connectionsClosed: 0,
      connectionsRefused: 0,
      refused: {},
      observed: { waiting: 0, queued: 0, refused: {}, connectionsOver: 0 },
    })
    const clients = [await server.connect(), await server.connect(), await server.connect()]
    clients[0]?.write(`${head('POST', '/a', { 'Content-Length': 60 })}12345`)
    await server.reached(1)
    clients[1]?.write(post('/b', '1'.repeat(50)))
    await server.queued(1)
    clients[2]?.write(post('/c', '1'))
    await clients[2]?.answers(1)
    t.same(server.governor.stats(), {
      capacity: 100,
      ceiling: 100,
      reserved: 60,
      departed: 0,
      available: 40,
      paidIn: 5,
      lent: 0,
      lane: { capacity: 0, reserved: 0 },
      giants: 0,
      leftOver: 0,
      keys: 0,
      active: 1,
      waiting: 1,
      admitted: 1,
      queued: 1,
      released: 0,
      repeated: 0,
      connections: 0,
      connectionsClosed: 0,
      connectionsRefused: 0,
      refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 },
      observed: { waiting: 0, queued: 0, refused: {}, connectionsOver: 0 },
    })
    const { refused } = server.governor.stats()
    anyValue<Record<string, number>>(refused).ERR_PLIMSOLL_QUEUE_FULL = 5
    t.same(server.governor.stats().refused, { ERR_PLIMSOLL_QUEUE_FULL: 1 }, 'a copy')
    server.http.emit('go')
    await server.reached(2)
    server.http.emit('go')
    await server.idle()
    t.match(server.governor.stats(), { admitted: 2, queued: 1, released: 2 })
  },
)

t.test('who finds room is admitted at once, and by a promise only who waits', async t => {
  const governor = new Governor({ budget: 10, logger: silent })
  const admissions: unknown[] = []
  const server = createServer(async (req, res) => {
    const admission = governor.admit(req, res, { cost: 6 })
    admissions.push(admission)
    t.equal(governor.admit(req, res), admission, 'asked again while it waits, it is the same promise')
    const reservation = await admission
    t.equal(governor.admit(req, res), reservation)
    t.match(reservation, { bytes: 6, released: false })
    server.once('answer', () => res.end())
  })
  await new Promise<void>(resolve => server.listen(0, resolve))
  const url = `http://localhost:${(server.address() as { port: number }).port}/`
  const answers = [fetch(url), fetch(url)]
  await until(() => admissions.length === 2 && server.listenerCount('answer') === 1, 'both')
  t.notOk(admissions[0] instanceof Promise)
  t.ok(admissions[1] instanceof Promise)
  server.emit('answer')
  await until(() => server.listenerCount('answer') === 1, 'the second')
  server.emit('answer')
  for (const answer of await Promise.all(answers)) t.equal(answer.status, 200)
  await until(() => governor.stats().active === 0, 'their release')
  t.match(governor.stats(), { admitted: 2, released: 2, queued: 1, reserved: 0 })
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

for (const [what, policy, answer] of [
  ['that costs more grows where there is room', { cost: 40 }, 'the same of 40'],
  ['that costs less shrinks', { cost: 2 }, 'the same of 2'],
  ['that costs the same changes nothing', {}, 'the same of 5'],
  ['that is exempt gives everything back', false, 'the same of 0'],
] as const) {
  scenario(
    `a second admission ${what}`,
    { options: { budget: 100 }, handler: admittingAgain(policy) },
    async (t, server) => {
      t.match(await server.send('/a', '12345'), { status: 200, text: answer })
      t.match(server.governor.stats(), { admitted: 1 })
    },
  )
}

scenario(
  'a second admission of a request without a body may cost something',
  { options: { budget: 100 }, handler: admittingAgain({ cost: 40, maxBody: 0 }) },
  async (t, server) => {
    t.match(await server.send('/a'), { status: 200, text: 'the same of 40' })
  },
)

scenario(
  'an upload that waited after its headers were sent is admitted all the same',
  { options: { budget: '1MiB' } },
  async (t, server) => {
    const [listener] = server.http.listeners('request') as ((...args: unknown[]) => void)[]
    server.http.removeAllListeners('request')
    server.http.on('request', async (req: IncomingMessage, res: ServerResponse) => {
      if (req.url !== '/begun') return listener?.(req, res)
      res.writeHead(200).flushHeaders()
      await server.governor.admit(req, res)
      return req.resume().on('end', () => res.end('read'))
    })
    const room = server.governor.budget.charge(2 ** 20)
    const client = await server.connect()
    client.write(post('/begun', '1'.repeat(100_000)))
    t.same(await client.answers(1), [200])
    await server.queued(1)
    room.release()
    await client.receives('read')
  },
)

scenario(
  'a second admission changes what a handler holds by the difference',
  { options: { budget: 100 }, handler: admittingAgain({ cost: 15 }, reservation => reservation.tryGrow(20)) },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { text: 'the same of 35' })
  },
)

scenario(
  'a second admission that costs less than a handler has left takes no more than what it costs less',
  { options: { budget: 100 }, handler: admittingAgain({ cost: 1 }, reservation => reservation.shrink(3)) },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { text: 'the same of 1' })
  },
)

scenario(
  'a second admission without room is refused with 503 at once, and keeps the first',
  {
    options: { budget: 100 },
    handler: (req, res, reservation, server) => {
      const room = server.governor.budget.charge(90)
      admittingAgain({ cost: 20 })(req, res, reservation, server)
      t.equal(reservation.bytes, 5)
      room.release()
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), {
      status: 503,
      text: 'ERR_PLIMSOLL_NO_ROOM',
      headers: { 'retry-after': /^\d+$/ },
    })
    t.match(server.governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_NO_ROOM: 1 } })
  },
)

scenario(
  'a second admission that allows less than the body is refused with 413',
  { options: { budget: 100 }, handler: admittingAgain({ maxBody: 4 }) },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { status: 413, text: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
    t.match(server.governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 } })
  },
)

scenario(
  'a second admission that costs more than the budget is refused for good',
  { options: { budget: 100 }, handler: admittingAgain({ cost: 101 }) },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { status: 413, text: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
    t.match(await server.send('/b'), { status: 503, text: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
  },
)

{
  const kept = new KeptRequests()
  scenario(
    'a second admission of a body without a length bounds what still comes',
    { options: { budget: 100 }, handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await until(() => server.governor.budget.paidIn === 5, 'a part')
      const { req, res, reservation } = kept.at(0)
      t.throws(() => server.governor.admit(req, res, { maxBody: 4 }), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
      t.equal(reservation.bytes, 100, 'the old price holds')
      server.governor.admit(req, res, { maxBody: 8 })
      t.equal(reservation.bytes, 8)
      client.write(chunk('6789'))
      t.same(await client.answers(1), [413])
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a second admission of a body that has arrived whole goes by its length',
    { options: { budget: 100 }, handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345') + LAST_CHUNK)
      await until(() => server.governor.budget.reserved === 5, 'the whole')
      const { req, res, reservation } = kept.at(0)
      server.governor.admit(req, res, {
        cost: ({ declaredBytes = 0 }) => 2 * declaredBytes,
        requireLength: true,
      })
      t.equal(reservation.bytes, 10)
      res.end()
    },
  )
}

scenario(
  'an admission after a refusal is refused with the same error, and counted once',
  { options: { budget: 10, queue: { limit: 0 } } },
  async (t, server) => {
    const { governor } = server
    const room = governor.budget.charge(10)
    const errors: unknown[] = []
    const req = await admitByHand(server, errors, 2)
    room.release()
    t.match(errors, [{ code: 'ERR_PLIMSOLL_QUEUE_FULL' }, { code: 'ERR_PLIMSOLL_QUEUE_FULL' }])
    t.equal(errors[0], errors[1])
    t.match(governor.stats().refused, { ERR_PLIMSOLL_QUEUE_FULL: 1 })
    t.equal(req, 503)
  },
)

scenario(
  'an admission after a refusal by the head alone is refused with the same error, and counted once',
  { options: { maxBody: 3 } },
  async (t, server) => {
    const errors: unknown[] = []
    await admitByHand(server, errors, 2)
    t.equal(errors[0], errors[1])
    t.match(server.governor.stats().refused, { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 })
  },
)

/** Lets the server's next request be admitted `times` times, and answers it with the status of the last error. */
async function admitByHand(
  server: {
    http: import('node:http').Server
    governor: Governor
    send(path: string, body: string): Promise<{ status: number }>
  },
  errors: unknown[],
  times: number,
): Promise<number> {
  const [listener] = server.http.listeners('request') as ((...args: unknown[]) => void)[]
  server.http.removeAllListeners('request')
  server.http.on('request', (req: IncomingMessage, res: ServerResponse) => {
    if (req.url === '/next') return listener?.(req, res)
    for (let n = 0; n < times; n++) {
      try {
        server.governor.admit(req, res)
      } catch (error) {
        errors.push(error)
      }
    }
    return answerFault(res, errors.at(-1))
  })
  return (await server.send('/a', '12345')).status
}

scenario(
  'a second admission after the release changes nothing',
  {
    handler: (req, res, reservation, server) => {
      res.end('done')
      res.on('close', () =>
        setImmediate(() =>
          server.http.emit('again', server.governor.admit(req, res, { cost: 50 }) === reservation),
        ),
      )
    },
  },
  async (t, server) => {
    const again = new Promise(resolve => server.http.once('again', resolve))
    await server.send('/a', '12345')
    t.equal(await again, true)
    t.equal(server.governor.budget.reserved, 0)
  },
)

scenario(
  'two governors on one request count it once, with the first',
  {
    handler: (req, res, reservation) => {
      const other = new Governor({ budget: 100, logger: silent })
      res.end(String(other.admit(req, res) === reservation && other.stats().admitted === 0))
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { text: 'true' })
  },
)

const stranger = recordingLogger()
const other = new Governor({ budget: 100, logger: stranger })

scenario(
  'a request that passes two governors is pointed out, once: a route’s own cost would be lost without a word',
  { handler: (req, res) => res.end(String((other.admit(req, res, {}) as RequestReservation).bytes)) },
  async (t, server) => {
    for (const body of ['12345', '123']) t.match(await server.send('/a', body), { text: String(body.length) })
    t.equal(stranger.lines.length, 1)
    t.match(stranger.lines[0], { level: 'warn', details: { url: '/a' }, message: /two governors/ })
  },
)

scenario(
  'a second governor charges the budget of the first, and can ask for no more than that has',
  {
    options: { budget: 10 },
    handler: (req, res, reservation) => {
      const other = new Governor({ budget: 1000, logger: silent })
      try {
        other.admit(req, res, { cost: 500 })
      } catch (error) {
        answerFault(res, error)
      }
      // Its log has a timer of its own.
      void other.close()
      t.equal(reservation.bytes, 5)
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { status: 413, text: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
  },
)

scenario(
  'a request that somebody answers while it waits leaves the queue, and never comes to its handler',
  { options: { budget: 10 } },
  async (t, server) => {
    const room = server.governor.budget.charge(10)
    server.http.prependListener('request', (req, res) => {
      if (req.url === '/a') server.http.once('time is up', () => res.end('too late'))
    })
    const client = await server.connect()
    client.write(post('/a', '12345'))
    await server.queued(1)
    server.http.emit('time is up')
    await client.receives('too late')
    await server.queued(0)
    t.equal(server.governor.budget.waiting, 0)
    room.release()
    t.match(await server.send('/b', '1'), { status: 200 })
    t.same(server.handled, ['/b'])
    t.same(client.statuses, [200])
  },
)

t.test('governors may share a budget', async t => {
  const budget = new ByteBudget({ capacity: 10 })
  const [one, other] = [new Governor({ budget, logger: silent }), new Governor({ budget, logger: silent })]
  t.equal(one.budget, budget)
  t.equal(other.budget, budget)
})

scenario('the listener throws what is none of our refusals', {}, async (t, server) => {
  const failing = new Governor({
    budget: anyValue({
      queue: { limit: 1, timeoutMs: 1 },
      configuredCapacity: 100,
      tryAcquire() {
        throw new TypeError('a broken budget')
      },
    }),
    logger: silent,
  })
  server.http.prependListener('request', (req, res) => {
    if (req.url !== '/broken') return
    server.http.removeAllListeners('request')
    t.throws(() => failing.listener(() => {})(req, res), { message: 'a broken budget' })
    res.end('caught')
  })
  const listeners = server.http.listeners('request') as (() => void)[]
  t.match(await server.send('/broken', '12345'), { text: 'caught' })
  for (const listener of listeners.slice(1)) server.http.on('request', listener)
})

scenario(
  'a governor that closes refuses those that come and those that wait with 503, and lets the admitted finish',
  {
    closes: true,
    options: { budget: 10 },
    handler: (_req, res, _r, server) => server.http.once('go', () => res.end('done')),
  },
  async (t, server) => {
    const [one, waiting, pipelined] = [await server.connect(), await server.connect(), await server.connect()]
    one.write(post('/a', '1234567890') + post('/behind', '12345'))
    await server.reached(1)
    waiting.write(post('/b', '12345'))
    await server.queued(2)
    pipelined.write(post('/c', '12345'))
    await server.queued(3)
    const closed = outcomeOf(server.governor.close())
    t.same([...(await waiting.answers(1)), ...(await pipelined.answers(1))], [503, 503])
    t.match(waiting.received, /ERR_PLIMSOLL_CLOSED/)
    t.match(waiting.received, /Connection: close/i)
    t.match(waiting.received, /Retry-After: \d+/i)
    t.match(await server.send('/new', '1'), { status: 503 })
    t.match(await server.send('/new'), { status: 503 }, 'those that cost nothing, too')
    t.equal(closed(), undefined, 'one is still at it')
    server.http.emit('go')
    t.same(await one.answers(2), [200, 503])
    await until(() => closed() !== undefined, 'the end of close')
    t.match(closed(), { value: undefined })
    t.same(server.handled, ['/a'])
    t.match(server.governor.stats(), { waiting: 0, active: 0, refused: { ERR_PLIMSOLL_CLOSED: 5 } })
    await server.governor.close()
  },
)

{
  const logger = recordingLogger()
  scenario(
    'those that a close refuses are in the log when it is over',
    { closes: true, options: { budget: 10, logger } },
    async (t, server) => {
      const room = server.governor.budget.charge(10)
      const clients = [await server.connect(), await server.connect(), await server.connect()]
      for (const client of clients) client.write(post('/a', '12345'))
      await server.queued(3)
      await server.governor.close()
      t.match(logger.lines, [
        { level: 'warn', details: { code: 'ERR_PLIMSOLL_CLOSED', bytes: undefined } },
        { level: 'warn', details: { code: 'ERR_PLIMSOLL_CLOSED', refused: 2 } },
      ])
      t.equal(logger.lines.length, 2)
      for (const client of clients) t.same(await client.answers(1), [503])
      room.release()
    },
  )
}

scenario(
  'whoever is granted in the turn of close either is refused or finishes before close does',
  {
    closes: true,
    options: { budget: 10 },
    handler: (req, res) => req.resume().on('end', () => setImmediate(() => res.end())),
  },
  async (t, server) => {
    const room = server.governor.budget.charge(10)
    const client = await server.connect()
    client.write(post('/a', '12345'))
    await server.queued(1)
    room.release()
    await server.governor.close()
    const handled = [...server.handled]
    t.match(server.governor.stats(), { active: 0 }, 'nobody is under way when close is over')
    const [status] = await client.answers(1)
    t.same(handled, status === 200 ? ['/a'] : [])
    t.same(server.handled, handled, 'nor after it')
  },
)

{
  const kept = new KeptRequests()
  scenario(
    'whoever finishes after a grant in the turn of close is not told that its client is gone',
    { closes: true, options: { budget: 10 }, handler: kept.handler },
    async (t, server) => {
      const room = server.governor.budget.charge(10)
      const client = await server.connect()
      client.write(post('/a', '12345'))
      await server.queued(1)
      room.release()
      const closed = server.governor.close()
      await until(() => kept.all.length > 0 || client.statuses.length > 0, 'its handler or its refusal')
      t.ok(kept.all.every(({ reservation }) => !reservation.signal.aborted))
      for (const { res } of kept.all) res.end()
      await closed
    },
  )
}

for (const [timeoutMs, options] of [
  [50, { timeoutMs: 50 }],
  [30_000, {}],
] as const) {
  t.test(`a close that takes longer than ${timeoutMs} ms rejects, and the rest goes on`, async t => {
    const clock = new FakeClock(t)
    const work = deferred()
    const server = new GovernedServer({
      handler: (_req, res, reservation) => {
        reservation.hold(work.promise)
        res.end('done')
      },
    })
    await server.listen()
    t.match(await server.send('/a'), { text: 'done' })
    const sooner = outcomeOf(server.governor.close(options))
    const later = outcomeOf(server.governor.close({ timeoutMs: 60_000 }))
    await promisesSettled()
    clock.tick(timeoutMs - 1)
    await promisesSettled()
    t.equal(sooner(), undefined)
    clock.tick(1)
    await promisesSettled()
    t.match(sooner(), { error: { code: 'ERR_PLIMSOLL_CLOSE_TIMEOUT' } })
    t.equal(later(), undefined)
    work.resolve()
    await promisesSettled()
    t.match(later(), { value: undefined })
    t.equal(clock.pending, 0)
    await server.stop()
  })
}

t.test('options of close of a wrong type are refused with their name, and nothing is closed', async t => {
  const governor = new Governor({ budget: 10, logger: silent })
  for (const timeoutMs of [Number.NaN, -1, 1.5, '5', null, 2 ** 31]) {
    await t.rejects(governor.close({ timeoutMs: anyValue(timeoutMs) }), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^timeoutMs must be/,
    })
  }
  await t.rejects(governor.close(anyValue({ timeout: 5 })), { message: /^the key "timeout" of options/ })
  await t.rejects(governor.close(anyValue(null)), { message: /^options must be an object/ })
})

t.test('what adapters stop at a second pass is counted', async t => {
  const governor = new Governor({ budget: 10, logger: silent })
  t.equal(governor.stats().repeated, 0)
  const point = new RunOnce({ logger: silent }, () => governor.countRepeated())
  const { req } = injected([])
  for (const first of [true, false, false]) t.equal(point.passes(req, req), first)
  t.equal(governor.stats().repeated, 2)
})

t.test(
  'who is granted its bytes in the very turn in which its response is destroyed meets no handler',
  async t => {
    const governor = new Governor({ budget: 10, logger: silent })
    let handled = 0
    const listener = governor.listener((_req, res) => {
      handled++
      res.end()
    })
    let waiting: ServerResponse | undefined
    const server = createServer((req, res) => {
      listener(req, res)
      waiting = res
    })
    const room = governor.budget.charge(10)
    const client = connect(await listening(t, server))
    client.on('error', () => {}).write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n')
    await until(() => governor.stats().waiting === 1, 'its place')
    waiting?.destroy()
    room.release()
    await until(() => governor.stats().refused.ERR_PLIMSOLL_CLIENT_GONE === 1, 'its refusal')
    t.equal(handled, 0)
    t.match(governor.stats(), { reserved: 0, active: 0, waiting: 0 })
  },
)

t.test('a point that was passed twice is counted, and is no refusal', async t => {
  const governor = new Governor({ budget: 100 })
  governor.countRepeated()
  t.match(governor.stats(), { repeated: 1, refused: {}, admitted: 0 })
})

/** A budget whose giants have turns: let in when the test says so. */
function budgetWithGiants(): ByteBudget {
  const budget = new ByteBudget({ capacity: 100 })
  budget.configure(100, 400)
  return budget
}

scenario(
  'what costs more than the capacity waits for a turn, where there are any',
  { options: { budget: budgetWithGiants() } },
  async (t, server) => {
    const { budget } = server.governor
    const giant = server.send('/giant', '1'.repeat(300))
    await server.queued(1)
    t.equal(budget.waiting, 1)
    budget.letGiantsIn(true)
    t.equal(server.governor.stats().giants, 300)
    t.match(await giant, { status: 200, text: '300' })
    t.equal((await server.send('/larger', '1'.repeat(401))).status, 413)
  },
)

scenario(
  'nobody becomes one who is in, since he would have to wait: he is refused for good, and one who is it may say so again',
  {
    options: { budget: budgetWithGiants() },
    handler: (req, ...others) => admittingAgain({ cost: req.url === '/giant' ? 250 : 300 })(req, ...others),
  },
  async (t, server) => {
    t.match(await server.send('/', '12345'), { status: 413, text: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
    const giant = server.send('/giant', '1'.repeat(300))
    await server.queued(1)
    server.governor.budget.letGiantsIn(true)
    t.match(await giant, { status: 200, text: 'the same of 250' })
    server.governor.budget.letGiantsIn(false)
  },
)

scenario(
  'who can not say what it needs, or does not really wait, is asked to do with the capacity',
  { options: { budget: budgetWithGiants(), acceptEncoded: true } },
  async (t, server) => {
    const { governor } = server
    const client = await server.connect()
    client.write(`${head('POST', '/unknown', CHUNKED)}${chunk('1'.repeat(101))}`)
    t.same(await client.answers(1), [413])
    const encoded = await server.send('/encoded', '1'.repeat(101), { 'Content-Encoding': 'gzip' })
    t.equal(encoded.status, 413)
    governor.mode = 'observe'
    t.equal((await server.send('/observed', '1'.repeat(101))).status, 200)
    t.match(governor.stats().observed.refused, { ERR_PLIMSOLL_BODY_OVER_BUDGET: 1 })
  },
)
