import { getEventListeners } from 'node:events'
import { turns, until } from '@plimsoll/contract'
import t from 'tap'
import { fanOut, type Task } from '../src/index.ts'
import { gates } from './fixtures/gate.ts'
import { inRequest } from './fixtures/in-request.ts'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

t.test('where the client leaves nothing more is begun, and what runs is held until it is over', async t => {
  const { governor, reservation, client, idle } = await inRequest(t, { cost: 100 })
  const all = gates(4)
  const begun: number[] = []
  const signals: AbortSignal[] = []
  const tasks = all.map(
    ({ promise }, n): Task<void> =>
      signal => {
        begun.push(n)
        signals.push(signal)
        return promise
      },
  )
  const results = fanOut(tasks, { reservation, concurrency: 2, name: 'tiles' })
  await turns()
  t.match(governor.heldWork(), [{ name: 'tiles', route: 'GET /work', bytes: 100, clientGoneMs: undefined }])
  client.leave()
  await t.rejects(results, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  t.same(
    signals.map(({ aborted, reason }) => [aborted, reason.code]),
    [
      [true, 'ERR_PLIMSOLL_CLIENT_GONE'],
      [true, 'ERR_PLIMSOLL_CLIENT_GONE'],
    ],
  )
  t.equal(listeners(reservation.signal), 0)
  t.match(governor.heldWork(), [{ name: 'tiles', ageMs: Number, clientGoneMs: Number }], 'it is listed')
  t.equal(governor.stats().reserved, 100, 'and its request keeps its bytes')
  all[0]?.open()
  await turns()
  t.equal(governor.stats().reserved, 100, 'until the last of it is over')
  all[1]?.fail(new Error('aborted'))
  await idle()
  t.same(governor.heldWork(), [])
  t.same(begun, [0, 1])
  const [route] = governor.report().routes
  t.match(route?.work, { runs: 1, tasks: 2, outlived: 1 })
  t.ok((route?.work?.outlivedMs ?? 0) > 0)
})

t.test('at the deadline it ends, too', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t)
  const [gate] = gates(1)
  const results = fanOut([() => gate?.promise, () => t.fail('never begun') as never], {
    reservation,
    concurrency: 1,
  })
  await turns()
  reservation.setDeadline(1)
  await t.rejects(results, { code: 'ERR_PLIMSOLL_DEADLINE', statusCode: 504 })
  t.equal(reservation.remainingMs, 0)
  await t.rejects(fanOut([() => t.fail('never')], { reservation }), { code: 'ERR_PLIMSOLL_DEADLINE' })
  gate?.open()
  answer()
  await idle()
  t.match(governor.stats().refused, { ERR_PLIMSOLL_DEADLINE: 1 })
  t.match(governor.report().routes[0]?.work, { tasks: 1, outlived: 0 }, 'its client has not left')
})

t.test('work that goes on after the answer is done, and held', async t => {
  const { governor, reservation, client, answer, idle } = await inRequest(t, { cost: 100 })
  const all = gates(3)
  const results = fanOut(
    all.map(
      ({ promise }) =>
        () =>
          promise,
    ),
    { reservation, concurrency: 1 },
  )
  answer()
  await client.answers(1)
  for (const gate of all) {
    t.match(governor.heldWork(), [{ name: 'fanOut', clientGoneMs: undefined }])
    t.equal(governor.stats().reserved, 100)
    gate.open()
    await turns()
  }
  await results
  await idle()
  t.match(governor.report().routes[0]?.work, { tasks: 3, outlived: 0, outlivedMs: 0 })
})

t.test('tasks hold the bytes that they declare while they run', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t, { cost: 100 })
  const all = gates(3)
  const tasks = all.map(
    ({ promise }) =>
      () =>
        promise,
  )
  const [, heavy] = tasks
  Object.assign(heavy as object, { bytes: 200 })
  const results = fanOut(tasks, { reservation, bytes: 50, concurrency: 2 })
  await turns()
  t.equal(governor.stats().reserved, 350)
  t.equal(reservation.bytes, 350)
  all[1]?.open()
  await turns()
  t.equal(governor.stats().reserved, 350, 'what it has had it keeps for the next')
  all[0]?.open()
  all[2]?.open()
  await results
  t.equal(governor.stats().reserved, 100)
  answer()
  await idle()
})

t.test('what has no room waits for the others of its call, and for nobody else', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t, { budget: 100 })
  const all = gates(3)
  const begun: number[] = []
  const tasks = all.map(({ promise }, n) => () => {
    begun.push(n)
    return promise
  })
  const results = fanOut(tasks, { reservation, bytes: 50 })
  await turns()
  t.same(begun, [0, 1])
  const others = governor.budget.tryAcquire(1)
  t.equal(others, undefined)
  all[1]?.open()
  await turns()
  t.same(begun, [0, 1, 2])
  for (const gate of all) gate.open()
  await results
  t.equal(governor.stats().reserved, 0)
  const other = governor.budget.tryAcquire(60)
  const refused = await fanOut([() => t.fail('no room')], { reservation, bytes: 50 }).catch(error => error)
  t.match(refused, {
    code: 'ERR_PLIMSOLL_NO_ROOM',
    statusCode: 503,
    bytes: 50,
    headers: { 'Retry-After': /^[1-5]$/ },
  })
  other?.release()
  const [gate] = gates(1)
  const small = Object.assign(() => gate?.promise, { bytes: 50 })
  const large = Object.assign(() => t.fail('larger than all there is'), { bytes: 101 })
  const both = fanOut<unknown>([small, large], { reservation })
  await turns()
  t.equal(governor.stats().reserved, 50)
  gate?.open()
  await t.rejects(both, { code: 'ERR_PLIMSOLL_NO_ROOM', bytes: 101 }, 'once nobody of its call has any')
  await turns()
  t.equal(governor.stats().reserved, 0)
  answer()
  await idle()
})

t.test('who needs much waits until enough of its call is over', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t, { budget: 100 })
  const all = gates(4)
  const begun: number[] = []
  const tasks = all.map(
    ({ promise }, n): Task<void> =>
      Object.assign(
        () => {
          begun.push(n)
          return promise
        },
        { bytes: [40, 40, 90, 10][n] as number },
      ),
  )
  const results = fanOut(tasks, { reservation })
  await turns()
  t.same(begun, [0, 1], 'and nobody passes it')
  all[0]?.open()
  await turns()
  t.same(begun, [0, 1])
  all[1]?.open()
  await turns()
  t.same(begun, [0, 1, 2, 3])
  for (const gate of all) gate.open()
  await results
  t.equal(governor.stats().reserved, 0)
  answer()
  await idle()
})

t.test('who waits for bytes when the call ends is never begun, and what runs keeps its own', async t => {
  const { governor, reservation, client, idle } = await inRequest(t, { budget: 100 })
  const all = gates(3)
  const begun: number[] = []
  const tasks = all.map(({ promise }, n) =>
    Object.assign(
      () => {
        begun.push(n)
        return promise
      },
      { bytes: [30, 60, 20][n] as number },
    ),
  )
  const results = fanOut(tasks, { reservation })
  await turns()
  t.same(begun, [0, 1], 'the third stands behind nobody, and finds no room')
  client.leave()
  await t.rejects(results, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  t.equal(governor.stats().reserved, 90)
  all[1]?.open()
  await turns()
  t.equal(governor.stats().reserved, 30)
  all[0]?.open()
  await idle()
  t.same(begun, [0, 1])
})

t.test(
  'who waits for bytes again gives back those of its tasks, which have them again as they go on',
  async t => {
    const { governor, reservation, answer, idle } = await inRequest(t)
    const all = gates(2)
    const results = fanOut(
      all.map(
        ({ promise }) =>
          () =>
            promise,
      ),
      { reservation, bytes: 50, concurrency: 1 },
    )
    await turns()
    await reservation.requeue(10)
    t.equal(governor.stats().reserved, 10)
    all[0]?.open()
    await turns()
    t.equal(governor.stats().reserved, 60)
    all[1]?.open()
    await results
    answer()
    await idle()
  },
)

t.test('a task that begins while its request waits for bytes has none', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t, { budget: 100 })
  const [gate] = gates(1)
  const tasks = [() => gate?.promise, () => t.fail('never')]
  const results = fanOut<unknown>(tasks, { reservation, bytes: 50, concurrency: 1 })
  await turns()
  const others = governor.budget.tryAcquire(50)
  const requeued = reservation.requeue(60)
  gate?.open()
  await t.rejects(results, { code: 'ERR_PLIMSOLL_NO_ROOM' })
  others?.release()
  await requeued
  answer()
  await idle()
})

t.test('where the governor only observes, all tasks have their bytes', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t, { budget: 100, mode: 'observe' })
  const all = gates(3)
  const results = fanOut(
    all.map(
      ({ promise }) =>
        () =>
          promise,
    ),
    { reservation, bytes: 50 },
  )
  await until(() => governor.stats().reserved === 150, 'all three')
  for (const gate of all) gate.open()
  await results
  t.equal(governor.stats().reserved, 0)
  answer()
  await idle()
})
