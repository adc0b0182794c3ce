import t from 'tap'
import { Deadline, deadlineOf } from '../src/deadline.ts'
import type { RoutePolicy } from '../src/route-policy.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import type { Setup } from './fixtures/governed-server.ts'
import { scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { abortListeners } from './fixtures/listeners.ts'
import { head, post } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

function prepared(options: Setup['options'] = {}) {
  const kept = new KeptRequests()
  return { kept, setup: { options: { budget: 10, ...options }, handler: kept.handler } }
}

t.test('it tells what remains until it has passed, and nothing passes that was cleared', async t => {
  const clock = new FakeClock(t)
  let passed = 0
  const deadline = new Deadline(100, () => passed++)
  clock.tick(99.5)
  t.equal(deadline.remainingMs, 1, 'rounded up')
  t.equal(passed, 0)
  clock.tick(0.5)
  t.match(deadline, { remainingMs: 0, passed: true })
  const { now } = performance
  const at = now()
  performance.now = () => at - 0.5
  t.equal(deadline.remainingMs, 0, 'also where the timer was early')
  performance.now = now
  t.equal(passed, 1)
  const late = new Deadline(100, () => passed++, performance.now() - 200)
  t.equal(late.remainingMs, 0)
  clock.tick(1)
  t.equal(passed, 2)
  new Deadline(100, () => passed++).clear()
  t.equal(clock.pending, 0)
})

t.test('of policy and header the sooner holds, and what is no number says nothing', async t => {
  const of = (told: string | string[] | undefined, policyMs?: number, header: string | undefined = 'left') =>
    deadlineOf(anyValue({ headers: { left: told } }), policyMs, header)
  t.equal(of('50', 100), 50)
  t.equal(of('500', 100), 100)
  t.equal(of('50'), 50)
  t.equal(of('0', 100), 0)
  t.equal(of('-1', 100), 0, 'of who counts down to a time that has passed')
  t.equal(of('-0.5'), 0)
  t.equal(of('1.5'), 2)
  t.equal(of('9'.repeat(400)), 2 ** 31 - 1)
  for (const told of [undefined, '', '-', '.5', '1e3', '+5', ' 5', '5, 6', 'Infinity', ['5', '6']]) {
    t.equal(of(told, 100), 100)
    t.equal(of(told), undefined)
  }
  t.equal(deadlineOf(anyValue({ headers: { left: '50' } }), 100, undefined), 100, 'nobody is trusted')
})

{
  const { kept, setup } = prepared({ deadlineMs: 1000, deadlineHeader: 'X-Remaining-Ms' })
  scenario(
    'at its deadline the signal of a request aborts, by policy or header',
    setup,
    async (t, server) => {
      const clock = new FakeClock(t)
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { reservation, res } = kept.at(0)
      const { signal } = reservation
      t.equal(reservation.remainingMs, 1000)
      clock.tick(400)
      t.equal(reservation.remainingMs, 600)
      reservation.setDeadline(700)
      t.equal(reservation.remainingMs, 600, 'nobody waits for longer')
      reservation.setDeadline(100)
      t.equal(reservation.remainingMs, 100)
      clock.tick(99)
      t.equal(signal.aborted, false)
      clock.tick(1)
      t.match(signal.reason, { code: 'ERR_PLIMSOLL_DEADLINE', statusCode: 504 })
      t.equal(reservation.remainingMs, 0)
      reservation.setDeadline(500)
      t.equal(reservation.remainingMs, 0, 'it has passed')
      t.match(
        server.governor.stats(),
        { refused: { ERR_PLIMSOLL_DEADLINE: 1 }, reserved: 4 },
        'it keeps its bytes',
      )
      await t.rejects(reservation.requeue(2), { code: 'ERR_PLIMSOLL_DEADLINE' }, 'it waits for nothing more')
      res.end('late')
      await client.answers(1)
      // The log's own.
      const others = clock.pending
      client.write(
        head('GET', '/b', { 'X-Remaining-Ms': 5000 }) + head('GET', '/c', { 'x-remaining-ms': 20 }),
      )
      await server.reached(3)
      t.equal(kept.at(1).reservation.remainingMs, 1000)
      t.equal(kept.at(2).reservation.remainingMs, 20)
      for (const n of [1, 2]) kept.at(n).res.end()
      await client.answers(3)
      await server.idle()
      t.equal(clock.pending, others, 'no timer is left')
      kept.at(2).reservation.setDeadline(5)
      t.equal(clock.pending, others, 'nor made for a request that is over')
      t.throws(() => kept.at(2).reservation.setDeadline(-1), { message: /^ms must be/ })
      t.throws(() => kept.at(2).reservation.setDeadline(1.5), { message: /^ms must be/ })
    },
  )
}

{
  const { kept, setup } = prepared({ deadlineHeader: 'x-remaining-ms' })
  scenario(
    'who waits at its deadline is refused, and who has none left at once',
    setup,
    async (t, server) => {
      const clock = new FakeClock(t)
      const [first, waiting, late] = [await server.connect(), await server.connect(), await server.connect()]
      first.write(post('/first', '1'.repeat(10)))
      await server.reached(1)
      waiting.write(`${head('POST', '/waiting', { 'Content-Length': 4, 'X-Remaining-Ms': 50 })}1234`)
      await server.queued(1)
      late.write(head('GET', '/late', { 'X-Remaining-Ms': 0 }))
      await late.receives('"code":"ERR_PLIMSOLL_DEADLINE"')
      t.same(late.statuses, [504])
      t.notMatch(late.received, /retry-after/i, 'coming back does not help')
      clock.tick(50)
      t.same(await waiting.answers(1), [504])
      t.match(server.governor.stats(), { waiting: 0, refused: { ERR_PLIMSOLL_DEADLINE: 2 } })
      t.same(server.handled, ['/first'])
      kept.at(0).res.end()
      await first.answers(1)
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario('who waits again at its deadline is told, and counted once', setup, async (t, server) => {
    const clock = new FakeClock(t)
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    reservation.setDeadline(50)
    const others = server.governor.budget.charge(6)
    const requeued = reservation.requeue(5)
    clock.tick(50)
    await t.rejects(requeued, { code: 'ERR_PLIMSOLL_DEADLINE' })
    t.match(server.governor.stats().refused, { ERR_PLIMSOLL_DEADLINE: 1 })
    others.release()
    res.end()
    await client.answers(1)
  })
}

{
  const { kept, setup } = prepared()
  scenario('work that is held after the answer hears of the deadline, too', setup, async (t, server) => {
    const clock = new FakeClock(t)
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    reservation.setDeadline(50)
    reservation.hold(
      new Promise(resolve => reservation.signal.addEventListener('abort', resolve, { once: true })),
    )
    res.end()
    await client.answers(1)
    clock.tick(50)
    await until(() => reservation.released, 'its release')
    t.same(server.governor.stats().refused, {}, 'its client has its answer')
    t.equal(abortListeners(reservation.signal), 0)
  })
}

{
  const kept = new KeptRequests()
  const route: RoutePolicy = { deadlineMs: 5000 }
  scenario(
    'the deadline of a later admission goes before, and counts from the first',
    {
      options: { budget: 10, deadlineMs: 100 },
      handler: (req, res, reservation, server) => kept.handler(req, res, reservation, server),
    },
    async (t, server) => {
      const clock = new FakeClock(t)
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { req, res, reservation } = kept.at(0)
      clock.tick(60)
      server.governor.admit(req, res, route)
      t.equal(reservation.remainingMs, 4940)
      server.governor.admit(req, res, { cost: 3 })
      server.governor.admit(req, res, false)
      t.equal(reservation.remainingMs, 4940, 'those that say none change none')
      clock.tick(4940)
      server.governor.admit(req, res, { deadlineMs: 9000 })
      t.equal(reservation.remainingMs, 0, 'one that has passed is not put off')
      res.end()
      await client.answers(1)
    },
  )
}

{
  const { kept, setup } = prepared({ mode: 'observe', deadlineMs: 100, deadlineHeader: 'x-remaining-ms' })
  scenario('what is observed has only what its handler sets', setup, async (t, server) => {
    const client = await server.connect()
    client.write(head('GET', '/a', { 'X-Remaining-Ms': 0 }))
    await server.reached(1)
    const { req, reservation, res } = kept.at(0)
    server.governor.admit(req, res, { deadlineMs: 5 })
    t.equal(reservation.remainingMs, Number.POSITIVE_INFINITY)
    reservation.setDeadline(1)
    await until(() => reservation.signal.aborted, 'its deadline')
    res.end()
    await client.answers(1)
  })
}
