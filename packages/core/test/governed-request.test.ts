import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { anyValue } from './fixtures/any-value.ts'
import { deferred } from './fixtures/deferred.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { GovernedServer, type Setup, scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { outcomeOf, promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

interface Prepared {
  readonly kept: KeptRequests
  readonly setup: Setup
}

function prepared(options: Setup['options'] = { budget: 10 }): Prepared {
  const kept = new KeptRequests()
  return { kept, setup: { options, handler: kept.handler } }
}

{
  const { kept, setup } = prepared()
  scenario(
    'a handler may grow into what is free, and shrink, and all is given back',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { reservation, res } = kept.at(0)
      t.match(reservation, { bytes: 4, released: false })
      t.equal(reservation.tryGrow('5B'), true)
      t.equal(reservation.tryGrow(2), false)
      t.equal(server.governor.budget.reserved, 9)
      reservation.shrink(7)
      reservation.shrink('8B')
      t.equal(reservation.bytes, 7)
      t.equal(server.governor.budget.reserved, 7)
      for (const bad of [Number.NaN, -1, '5', null]) {
        t.throws(() => reservation.tryGrow(anyValue(bad)), {
          code: 'ERR_PLIMSOLL_OPTION',
          message: /^by must be/,
        })
        t.throws(() => reservation.shrink(anyValue(bad)), {
          code: 'ERR_PLIMSOLL_OPTION',
          message: /^to must be/,
        })
        await t.rejects(reservation.requeue(anyValue(bad)), {
          code: 'ERR_PLIMSOLL_OPTION',
          message: /^bytes must be/,
        })
      }
      t.equal(reservation.bytes, 7, 'a requeue for no size gives nothing back')
      res.end()
      await server.idle()
      t.match(reservation, { bytes: 0, released: true })
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario('a reservation cannot be released by its handler', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    t.equal(anyValue<{ release?: unknown }>(kept.at(0).reservation).release, undefined)
    t.equal(anyValue<{ [Symbol.dispose]?: unknown }>(kept.at(0).reservation)[Symbol.dispose], undefined)
    kept.at(0).res.end()
  })
}

{
  const { kept, setup } = prepared()
  scenario('after the release nothing can be done with a reservation', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    res.end()
    await server.idle()
    t.equal(reservation.tryGrow(1), false)
    reservation.shrink(0)
    reservation.hold(new Promise(() => {}))
    await t.rejects(reservation.requeue(3), { code: 'ERR_PLIMSOLL_RELEASED', bytes: 3 })
    t.match(reservation, { bytes: 0, released: true })
    t.match(server.governor.stats(), { active: 0, reserved: 0, released: 1 })
  })
}

{
  const { kept, setup } = prepared()
  scenario('whoever waits for more is over with its request', setup, async (t, server) => {
    const [holder, client] = [await server.connect(), await server.connect()]
    holder.write(post('/holder', '1234'))
    client.write(post('/a', '1234'))
    await server.reached(2)
    const [one, other] = [kept.at(0), kept.at(1)]
    one.reservation.tryGrow(1)
    other.res.end()
    const requeued = t.rejects(other.reservation.requeue(10), { code: 'ERR_PLIMSOLL_RELEASED' })
    await server.queued(1)
    await requeued
    t.match(server.governor.stats(), { waiting: 0, active: 1 })
    t.equal(server.governor.budget.waiting, 0)
    one.res.end()
  })
}

{
  const { kept, setup } = prepared()
  scenario('the release waits for held work, however it settles', setup, async (t, server) => {
    const [client, work, failing] = [await server.connect(), deferred(), deferred()]
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    reservation.hold(work.promise)
    reservation.hold(failing.promise)
    res.end()
    await client.answers(1)
    await server.send('/next')
    t.match(reservation, { bytes: 4, released: false })
    t.match(server.governor.stats(), { active: 1, reserved: 4 })
    failing.reject(new Error('nobody minds'))
    await promisesSettled()
    t.equal(reservation.released, false)
    t.equal(reservation.tryGrow(1), true, 'held work may still grow')
    work.resolve()
    await promisesSettled()
    t.match(reservation, { bytes: 0, released: true })
  })
}

{
  const { kept, setup } = prepared()
  scenario(
    'held work keeps the bytes when its client is gone, and hears of that',
    setup,
    async (t, server) => {
      const [client, work] = [await server.connect(), deferred()]
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { reservation } = kept.at(0)
      reservation.hold(work.promise)
      client.reset()
      await until(() => reservation.signal.aborted, 'the abort')
      t.match(reservation, { bytes: 4, released: false })
      await t.rejects(reservation.requeue(1), { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
      t.equal(reservation.bytes, 0, 'a requeue gives back first')
      work.resolve()
      await promisesSettled()
      t.equal(reservation.released, true)
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario(
    'work that settles before the answer leaves the release to the answer',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { reservation, res } = kept.at(0)
      reservation.hold(Promise.resolve())
      reservation.hold(anyValue('no promise at all'))
      await promisesSettled()
      t.equal(reservation.released, false)
      res.end()
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario(
    'a thenable that misbehaves releases once, and not before the other work',
    setup,
    async (t, server) => {
      const [client, work] = [await server.connect(), deferred()]
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { reservation, res } = kept.at(0)
      reservation.hold(work.promise)
      reservation.hold({
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
        then: anyValue((resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          resolve(1)
          resolve(2)
          reject(new Error('and failed'))
          throw new Error('and threw')
        }),
      })
      reservation.hold({
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
        then: anyValue(() => {
          throw new Error('thrown at once')
        }),
      })
      res.end()
      await client.answers(1)
      await promisesSettled()
      t.match(reservation, { bytes: 4, released: false })
      work.resolve()
      await promisesSettled()
      t.match(server.governor.stats(), { released: 1, active: 0 })
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario('a requeue for nothing waits for nobody', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { budget } = server.governor
    const { reservation, res } = kept.at(0)
    const waiter = budget.acquire(budget.capacity)
    const room = budget.charge(1)
    const requeued = outcomeOf(reservation.requeue(0))
    await promisesSettled()
    t.match(requeued(), { value: undefined })
    t.equal(reservation.bytes, 0)
    room.release()
    ;(await waiter).release()
    res.end()
  })
}

{
  const { kept, setup } = prepared()
  scenario('a requeue gives back what is held before it waits its turn', setup, async (t, server) => {
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(post('/one', '12345678'))
    await server.reached(1)
    other.write(post('/other', '12345678'))
    await server.queued(1)
    const { reservation, res } = kept.at(0)
    const requeued = outcomeOf(reservation.requeue('6B'))
    t.match(reservation, { bytes: 0, released: false })
    await server.reached(2)
    t.equal(server.governor.budget.reserved, 8, 'who waited before has what was given back')
    t.equal(requeued(), undefined)
    kept.at(1).res.end()
    await until(() => requeued() !== undefined, 'its turn')
    t.match(requeued(), { value: undefined })
    t.match(reservation, { bytes: 6, released: false })
    res.end()
    t.same([...(await one.answers(1)), ...(await other.answers(1))], [200, 200])
  })
}

{
  const { kept, setup } = prepared()
  scenario(
    'while it waits again a request holds nothing, and can neither grow nor shrink',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const room = server.governor.budget.charge(5)
      const { reservation, res } = kept.at(0)
      const requeued = reservation.requeue(6)
      t.equal(reservation.tryGrow(1), false)
      reservation.shrink(0)
      t.match(reservation, { bytes: 0, released: false })
      room.release()
      await requeued
      t.equal(reservation.bytes, 6)
      res.end()
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario(
    'a request that ends while it waits again holds nothing when its turn comes',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const room = server.governor.budget.charge(5)
      const { reservation, res } = kept.at(0)
      const requeued = outcomeOf(reservation.requeue(6))
      res.end()
      await client.answers(1)
      await until(() => reservation.released, 'the release')
      room.release()
      await until(() => requeued() !== undefined, 'its turn')
      t.match(requeued(), { error: { code: 'ERR_PLIMSOLL_RELEASED', bytes: 6 } })
      t.match(server.governor.budget, { reserved: 0, waiting: 0 })
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario('a client that leaves during a requeue leaves nothing in the queue', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const room = server.governor.budget.charge(6)
    const { reservation } = kept.at(0)
    const requeued = outcomeOf(reservation.requeue(10))
    t.equal(server.governor.budget.waiting, 1)
    client.reset()
    await until(() => requeued() !== undefined, 'its end')
    t.match(requeued(), { error: { code: 'ERR_PLIMSOLL_CLIENT_GONE' } })
    t.match(server.governor.budget, { waiting: 0, reserved: 6 })
    room.release()
  })
}

{
  const { kept, setup } = prepared()
  scenario('a requeue that is granted while its client goes holds nothing', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const room = server.governor.budget.charge(6)
    const { reservation, res } = kept.at(0)
    const requeued = outcomeOf(reservation.requeue(10))
    room.release()
    t.equal(server.governor.budget.reserved, 10, 'granted')
    res.emit('close')
    t.equal(reservation.released, true)
    await promisesSettled()
    t.match(requeued(), { error: { code: 'ERR_PLIMSOLL_CLIENT_GONE' } })
    t.equal(server.governor.budget.reserved, 0)
  })
}

{
  const { kept, setup } = prepared()
  scenario(
    'two requeues at once leave the bytes of the one that was granted last',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const room = server.governor.budget.charge(6)
      const { reservation, res } = kept.at(0)
      await Promise.all([reservation.requeue(3), reservation.requeue(4).catch(() => {}), room.release()])
      t.equal(reservation.bytes, 4)
      t.equal(server.governor.budget.reserved, 4)
      res.end()
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario('a requeue over the budget is refused at once, and holds nothing', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    await t.rejects(reservation.requeue(11), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET', bytes: 11, limit: 10 })
    t.match(reservation, { bytes: 0, released: false })
    t.equal(server.governor.budget.reserved, 0)
    await reservation.requeue(5)
    t.equal(reservation.bytes, 5, 'it may ask for less')
    res.end()
    t.same(await client.answers(1), [200])
  })
}

{
  const { kept, setup } = prepared({ budget: 10, queue: { limit: 0 } })
  scenario('a requeue that may not wait is refused, and holds nothing', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const room = server.governor.budget.charge(6)
    const { reservation, res } = kept.at(0)
    await t.rejects(reservation.requeue(5), { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
    t.match(reservation, { bytes: 0, released: false })
    room.release()
    res.end()
  })
}

{
  const logger = recordingLogger()
  const { kept, setup } = prepared({ budget: 10, queue: { limit: 0, timeoutMs: 4000 }, logger })
  scenario(
    'a requeue that is refused is counted, logged and published, and tells when to come back',
    setup,
    async (t, server) => {
      const published: unknown[] = []
      const note = (message: unknown): number => published.push(message)
      subscribe('plimsoll:refused', note)
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const room = server.governor.budget.charge(6)
      const { req, res, reservation } = kept.at(0)
      const error = await reservation.requeue(5).catch(error => error)
      unsubscribe('plimsoll:refused', note)
      room.release()
      t.match(error, { code: 'ERR_PLIMSOLL_QUEUE_FULL', status: 503, headers: { 'Retry-After': /^[234]$/ } })
      t.match(server.governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 } })
      t.match(published, [{ request: req, error }])
      t.match(logger.lines, [
        { level: 'warn', details: { code: 'ERR_PLIMSOLL_QUEUE_FULL', url: '/a', bytes: 5 } },
      ])
      t.same(res.getHeaderNames(), [], 'the handler may have another answer')
      res.end('something smaller')
      t.same(await client.answers(1), [200])
      t.notMatch(client.received, /Retry-After/i)
      t.notMatch(client.received, /Connection: close/i)
    },
  )
}

{
  const { kept, setup } = prepared()
  scenario('a requeue that no time will help tells no time', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    const error = await reservation.requeue(11).catch(error => error)
    t.match(error, { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET', status: 503 })
    t.same(error.headers, {})
    res.end()
    await client.answers(1)
  })
}

{
  const { kept, setup } = prepared()
  scenario('work held by a request whose answer is out may requeue', setup, async (t, server) => {
    const [client, work] = [await server.connect(), deferred()]
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    reservation.hold(work.promise)
    res.end()
    await client.answers(1)
    await server.send('/next')
    await reservation.requeue(9)
    t.match(reservation, { bytes: 9, released: false })
    work.resolve()
  })
}

t.test('a requeue that waits too long is refused, and holds nothing', async t => {
  const { kept, setup } = prepared({ budget: 10, queue: { timeoutMs: 100 } })
  const clock = new FakeClock(t)
  const server = new GovernedServer(setup)
  await server.listen()
  const client = await server.connect()
  client.write(post('/a', '1234'))
  await server.reached(1)
  const room = server.governor.budget.charge(6)
  const requeued = outcomeOf(kept.at(0).reservation.requeue(5))
  await promisesSettled()
  clock.tick(100)
  await promisesSettled()
  t.match(requeued(), { error: { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT' } })
  t.match(kept.at(0).reservation, { bytes: 0, released: false })
  room.release()
  kept.at(0).res.end()
  await server.idle()
  await server.governor.close()
  t.equal(clock.pending, 0)
  await server.stop()
})

{
  const { kept, setup } = prepared({ budget: 100, exempt: ({ url }) => url === '/free' })
  scenario(
    'a free request that passed another asks for bytes when that is over',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/paid', '1234') + head('GET', '/free'))
      await server.reached(2)
      const requeued = [3, 5].map(bytes => outcomeOf(kept.at(1).reservation.requeue(bytes)))
      await promisesSettled()
      t.ok(
        requeued.every(outcome => outcome() === undefined),
        'it could not answer with them',
      )
      kept.at(0).res.end()
      await until(() => requeued.every(outcome => outcome() !== undefined), 'both turns')
      t.equal(kept.at(1).reservation.bytes, 5)
      kept.at(1).res.end()
      t.same(await client.answers(2), [200, 200])
    },
  )
}

{
  const { kept, setup } = prepared({ budget: 100, maxBody: 50 })
  scenario('what a handler has grown is not refunded with the rest of its body', setup, async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    t.equal(reservation.bytes, 50)
    t.equal(reservation.tryGrow(20), true)
    client.write(LAST_CHUNK)
    await until(() => reservation.bytes !== 70, 'the refund')
    t.equal(reservation.bytes, 25)
    res.end()
  })
}

for (const mode of ['enforce', 'observe'] as const) {
  const { kept, setup } = prepared({ budget: 100, maxBody: 50, mode })
  scenario(
    `what a handler has taken and given back is not taken off the refund of its body (${mode})`,
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await server.reached(1)
      const { req, reservation, res } = kept.at(0)
      t.equal(reservation.tryGrow(20), true)
      reservation.shrink(40)
      t.equal(reservation.tryGrow(7), true)
      client.write(LAST_CHUNK)
      await until(() => req.readableEnded, 'the end of the body')
      t.equal(reservation.bytes, 12, '5 of its body, and 7 of its own')
      reservation.shrink(5)
      t.equal(reservation.bytes, 5)
      res.end()
    },
  )
}

{
  const { kept, setup } = prepared({ budget: 100, maxBody: 50 })
  scenario(
    'what a handler has shrunk by is not refunded once more, nor what it has grown by',
    setup,
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
      await server.reached(1)
      const { req, reservation, res } = kept.at(0)
      reservation.shrink(2)
      t.equal(reservation.tryGrow(5), true)
      client.write(LAST_CHUNK)
      await until(() => req.readableEnded, 'the end of the body')
      t.equal(reservation.bytes, 7)
      t.match(server.governor.budget, { reserved: 7, paidIn: 2 })
      res.end()
    },
  )
}
