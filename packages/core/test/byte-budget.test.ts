import { inspect } from 'node:util'
import t from 'tap'
import { ByteBudget, type ByteBudgetOptions } from '../src/byte-budget.ts'
import type { Reservation } from '../src/reservation.ts'
import { anyValue } from './fixtures/any-value.ts'
import { budgetOf } from './fixtures/budget-of.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { abortListeners } from './fixtures/listeners.ts'
import { outcomeOf, promisesSettled } from './fixtures/settled.ts'

const BAD_SIZES = [Number.NaN, -1, 1.5, '', '64', '64mb', null, {}, Number.POSITIVE_INFINITY]

/** The order in which the waiters of these names are granted. */
function watch(granted: string[], name: string, promise: Promise<unknown>): void {
  promise.then(
    () => granted.push(name),
    () => granted.push(`${name} refused`),
  )
}

t.test('a fresh budget is all free', async t => {
  const budget = budgetOf(t, { capacity: '1kB' })
  t.match(budget, {
    capacity: 1000,
    configuredCapacity: 1000,
    reserved: 0,
    paidIn: 0,
    available: 1000,
    waiting: 0,
  })
  t.same(budget.queue, { limit: 1000, timeoutMs: 30_000, lane: 0, passBytes: 0 })
})

t.test('options of a wrong type are refused with their name', async t => {
  const refused = (options: unknown, message: RegExp): void => {
    t.throws(
      () => new ByteBudget(anyValue<ByteBudgetOptions>(options)),
      { code: 'ERR_PLIMSOLL_OPTION', message },
      inspect(options),
    )
  }
  for (const capacity of [...BAD_SIZES, undefined]) refused({ capacity }, /^capacity must be/)
  refused({}, /^capacity must be/)
  for (const options of [undefined, null, 5, '64MiB', []]) refused(options, /^options must be an object/)
  refused({ capacity: 5, que: {} }, /^the key "que" of options must be one of capacity, queue/)
  for (const queue of [null, 5, 'none', [], false])
    refused({ capacity: 5, queue }, /^queue must be an object/)
  refused({ capacity: 5, queue: { size: 5 } }, /^the key "size" of queue must be/)
  refused({ capacity: 5, queue: { lane: 6 } }, /^queue.lane must be no more than the capacity/)
  for (const bad of [Number.NaN, -1, 1.5, '5', null, {}, Number.POSITIVE_INFINITY]) {
    refused({ capacity: 5, queue: { limit: bad } }, /^queue\.limit must be/)
    refused({ capacity: 5, queue: { timeoutMs: bad } }, /^queue\.timeoutMs must be/)
  }
  refused({ capacity: 5, queue: { timeoutMs: 2 ** 31 } }, /^queue\.timeoutMs must be/)
})

t.test('what is acquired is reserved until it is released', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const one = budget.tryAcquire(4)
  const other = await budget.acquire('6B')
  t.match(one, { bytes: 4, released: false })
  t.match(budget, { reserved: 10, available: 0 })
  one?.release()
  t.match(one, { bytes: 0, released: true })
  t.match(budget, { reserved: 6, available: 4 })
  other.release()
  t.match(budget, { reserved: 0, available: 10, waiting: 0 })
})

t.test('a budget is never overdrawn by who asks', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  t.ok(budget.tryAcquire(10))
  t.equal(budget.tryAcquire(1), undefined)
  t.equal(budget.reserved, 10)
})

t.test('what can never fit is refused at once', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  t.equal(budget.tryAcquire(11), undefined)
  await t.rejects(budget.acquire(11), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET', bytes: 11, limit: 10 })
  t.match(budget, { reserved: 0, waiting: 0 })
})

t.test('0 bytes are a reservation like any other', async t => {
  const budget = budgetOf(t, { capacity: 0 })
  const one = budget.tryAcquire(0)
  const other = await budget.acquire(0)
  t.match(one, { bytes: 0, released: false })
  other.release()
  t.match(other, { bytes: 0, released: true })
  t.equal(budget.tryAcquire(1), undefined)
  one?.release()
  t.equal(budget.reserved, 0)
})

t.test('tryAcquire throws for what is no size, and acquire rejects instead', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  for (const bytes of BAD_SIZES) {
    const bad = { code: 'ERR_PLIMSOLL_OPTION', message: /^bytes must be/ }
    t.throws(() => budget.tryAcquire(anyValue(bytes)), bad, inspect(bytes))
    let promise: Promise<unknown> | undefined
    t.doesNotThrow(() => {
      promise = budget.acquire(anyValue(bytes))
    })
    await t.rejects(promise as Promise<unknown>, bad, inspect(bytes))
  }
  for (const timeoutMs of [Number.NaN, -1, 1.5, '5', null, Number.POSITIVE_INFINITY]) {
    await t.rejects(budget.acquire(1, { timeoutMs: anyValue(timeoutMs) }), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^timeoutMs must be/,
    })
  }
  await t.rejects(budget.acquire(1, { signal: anyValue({}) }), 'a signal that is none')
  t.match(budget, { reserved: 0, waiting: 0 })
})

t.test('who finds no room waits, and is granted in the order of arrival', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const granted: string[] = []
  const held = budget.tryAcquire(10)
  for (const name of ['a', 'b', 'c']) watch(granted, name, budget.acquire(5))
  t.match(budget, { reserved: 10, waiting: 3 })
  held?.release()
  t.match(budget, { reserved: 10, waiting: 1 })
  await promisesSettled()
  t.same(granted, ['a', 'b'])
})

t.test('a grant is decided within release, before any promise has its turn', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(10)
  const waiting = budget.acquire(6)
  held?.release()
  t.match(budget, { reserved: 6, waiting: 0 })
  t.equal(budget.tryAcquire(6), undefined, 'a newcomer finds the bytes gone')
  t.ok(budget.tryAcquire(4))
  t.match(await waiting, { bytes: 6, released: false })
})

t.test('a grant is decided within shrink, resize, abort and time-out alike', async t => {
  const clock = new FakeClock(t)
  const setUp = (): { budget: ByteBudget; held: ReturnType<ByteBudget['tryAcquire']> } => {
    const budget = budgetOf(t, { capacity: 10 })
    return { budget, held: budget.tryAcquire(6) }
  }
  {
    const { budget, held } = setUp()
    const waiting = budget.acquire(7)
    held?.shrink(3)
    t.match(budget, { reserved: 10, waiting: 0 }, 'shrink')
    await waiting
  }
  {
    const { budget } = setUp()
    const waiting = budget.acquire(7)
    budget.resize(13)
    t.match(budget, { reserved: 13, waiting: 0 }, 'resize')
    await waiting
  }
  {
    const { budget } = setUp()
    const controller = new AbortController()
    const leaving = budget.acquire(7, { signal: controller.signal })
    const waiting = budget.acquire(4)
    controller.abort()
    t.match(budget, { reserved: 10, waiting: 0 }, 'abort')
    await t.rejects(leaving, { name: 'AbortError' })
    await waiting
  }
  {
    const { budget } = setUp()
    const leaving = budget.acquire(7, { timeoutMs: 5 })
    const waiting = budget.acquire(4, { timeoutMs: 6 })
    clock.tick(5)
    t.match(budget, { reserved: 10, waiting: 0 }, 'time-out')
    await t.rejects(leaving, { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT', bytes: 7 })
    await waiting
  }
})

t.test('a newcomer never passes a queue it would have to join', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(6)
  const granted: string[] = []
  watch(granted, 'large', budget.acquire(10))
  t.equal(budget.tryAcquire(1), undefined, 'not even where it fits')
  t.equal(budget.tryAcquire(0), undefined, 'nor where it costs nothing')
  watch(granted, 'small', budget.acquire(1))
  t.equal(budget.waiting, 2)
  held?.release()
  await promisesSettled()
  t.same(granted, ['large'])
})

t.test('a large waiter is not starved by small ones', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = [budget.tryAcquire(5), budget.tryAcquire(5)]
  const granted: string[] = []
  watch(granted, 'large', budget.acquire(10))
  for (let n = 0; n < 5; n++) watch(granted, `small ${n}`, budget.acquire(1))
  held[0]?.release()
  await promisesSettled()
  t.same(granted, [], 'five bytes are free and the small ones do not take them')
  held[1]?.release()
  await promisesSettled()
  t.same(granted, ['large'])
})

t.test('waiters of any size up to the capacity are all served in the end', async t => {
  const budget = budgetOf(t, { capacity: 100, queue: { limit: 200 } })
  const held: (() => void)[] = []
  const first = budget.tryAcquire(100)
  let served = 0
  for (let n = 0; n < 200; n++) {
    budget.acquire((n * 37) % 101).then(reservation => {
      served++
      held.push(() => reservation.release())
    })
  }
  first?.release()
  for (let turn = 0; turn < 400 && served < 200; turn++) {
    await promisesSettled()
    held.pop()?.()
  }
  t.equal(served, 200)
  for (const release of held) release()
  t.match(budget, { reserved: 0, waiting: 0 })
})

t.test('a queue that is full refuses at once, and takes others when somebody has left', async t => {
  const budget = budgetOf(t, { capacity: 10, queue: { limit: 2 } })
  const held = budget.tryAcquire(10)
  const controller = new AbortController()
  const leaving = budget.acquire(1, { signal: controller.signal })
  const staying = budget.acquire(1)
  await t.rejects(budget.acquire(1), { code: 'ERR_PLIMSOLL_QUEUE_FULL', statusCode: 503, bytes: 1, limit: 2 })
  t.equal(budget.waiting, 2)
  controller.abort()
  await t.rejects(leaving)
  const joining = budget.acquire(1)
  t.equal(budget.waiting, 2)
  held?.release()
  await Promise.all([staying, joining])
  t.match(budget, { reserved: 2, waiting: 0 })
})

t.test('a queue limit of 0 means that nobody waits', async t => {
  const budget = budgetOf(t, { capacity: 10, queue: { limit: 0 } })
  const held = await budget.acquire(10)
  await t.rejects(budget.acquire(1), { code: 'ERR_PLIMSOLL_QUEUE_FULL', limit: 0 })
  held.release()
  t.match(await budget.acquire(10), { bytes: 10 })
})

t.test('who waits too long is refused at its time and not before', async t => {
  const clock = new FakeClock(t)
  const budget = budgetOf(t, { capacity: 10, queue: { timeoutMs: 100 } })
  const held = budget.tryAcquire(10)
  const byDefault = outcomeOf(budget.acquire(1))
  const sooner = outcomeOf(budget.acquire(2, { timeoutMs: 40 }))
  const later = outcomeOf(budget.acquire(3, { timeoutMs: 200 }))
  clock.tick(39)
  await promisesSettled()
  t.equal(sooner(), undefined)
  clock.tick(1)
  await promisesSettled()
  t.match(sooner(), { error: { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT', statusCode: 503, bytes: 2 } })
  clock.tick(59)
  await promisesSettled()
  t.equal(byDefault(), undefined)
  clock.tick(1)
  await promisesSettled()
  t.match(byDefault(), { error: { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT', bytes: 1 } })
  t.equal(budget.waiting, 1)
  held?.release()
  await promisesSettled()
  t.match(later(), { value: { bytes: 3 } })
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('a time-out of one waiter leaves the others theirs', async t => {
  const clock = new FakeClock(t)
  const budget = budgetOf(t, { capacity: 10, queue: { timeoutMs: 100 } })
  const held = budget.tryAcquire(10)
  const waiters = []
  for (let n = 0; n < 5; n++) {
    waiters.push(outcomeOf(budget.acquire(1)))
    clock.tick(10)
  }
  for (let n = 0; n < 5; n++) {
    clock.tick(n === 0 ? 49 : 9)
    await promisesSettled()
    t.equal(waiters[n]?.(), undefined, `waiter ${n} still waits`)
    clock.tick(1)
    await promisesSettled()
    t.match(waiters[n]?.(), { error: { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT' } }, `waiter ${n} is refused`)
  }
  t.equal(clock.pending, 0)
  held?.release()
  t.match(budget, { reserved: 0, waiting: 0 })
})

t.test('no timer is left when the last waiter has been granted', async t => {
  const clock = new FakeClock(t)
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(10)
  const waiting = [budget.acquire(1), budget.acquire(1, { timeoutMs: 5 }), budget.acquire(1)]
  t.ok(clock.pending > 0)
  held?.release()
  t.equal(clock.pending, 0)
  await Promise.all(waiting)
})

t.test('no timer is left when the last waiter has left by itself', async t => {
  const clock = new FakeClock(t)
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(10)
  const controllers = [new AbortController(), new AbortController()]
  const waiting = controllers.map(({ signal }, n) =>
    budget.acquire(1, n === 0 ? { signal } : { signal, timeoutMs: 5 }),
  )
  t.ok(clock.pending > 0)
  for (const controller of controllers) controller.abort()
  t.equal(clock.pending, 0)
  await Promise.allSettled(waiting)
  held?.release()
})

t.test('a signal that has aborted already refuses, even where there is room', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const reason = new Error('gone before')
  const signal = AbortSignal.abort(reason)
  await t.rejects(budget.acquire(1, { signal }), reason)
  t.match(budget, { reserved: 0, waiting: 0 })
  t.equal(abortListeners(signal), 0)
})

t.test('a signal takes its waiter out of the queue, wherever it stands', async t => {
  for (const leaver of [0, 1, 2]) {
    const budget = budgetOf(t, { capacity: 10 })
    const held = budget.tryAcquire(10)
    const granted: string[] = []
    const reason = new Error('left')
    const controllers = [0, 1, 2].map(() => new AbortController())
    const promises = controllers.map((controller, n) => {
      const promise = budget.acquire(5, { signal: controller.signal })
      watch(granted, String(n), promise)
      return promise
    })
    controllers[leaver]?.abort(reason)
    t.equal(budget.waiting, 2)
    await t.rejects(promises[leaver] as Promise<unknown>, reason)
    held?.release()
    await promisesSettled()
    t.same(
      granted,
      [`${leaver} refused`, ...['0', '1', '2'].filter(name => name !== String(leaver))],
      'the others keep their order',
    )
    for (const { signal } of controllers) t.equal(abortListeners(signal), 0, 'no listener is left')
  }
})

t.test('a signal that aborts after the grant changes nothing', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(10)
  const controller = new AbortController()
  const promise = budget.acquire(4, { signal: controller.signal })
  held?.release()
  t.equal(abortListeners(controller.signal), 0)
  controller.abort()
  const reservation = await promise
  t.match(reservation, { bytes: 4, released: false })
  t.equal(budget.reserved, 4)
  reservation.release()
  t.equal(budget.reserved, 0)
})

t.test('a signal of several waiters takes out all of them', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(6)
  const controller = new AbortController()
  const { signal } = controller
  // The first blocks the second, which would fit as soon as it has left.
  const waiting = [budget.acquire(10, { signal }), budget.acquire(1, { signal })]
  controller.abort()
  const outcomes = await Promise.allSettled(waiting)
  t.same(
    outcomes.map(outcome => outcome.status),
    ['rejected', 'rejected'],
  )
  t.match(budget, { reserved: 6, waiting: 0 })
  t.equal(abortListeners(signal), 0)
  held?.release()
})

t.test('a signal is listened to only while its waiter waits', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const { signal } = new AbortController()
  const held = await budget.acquire(10, { signal })
  t.equal(abortListeners(signal), 0)
  const waiting = budget.acquire(1, { signal })
  t.equal(abortListeners(signal), 1)
  held.release()
  await waiting
  t.equal(abortListeners(signal), 0)
})

t.test('a smaller capacity revokes nothing, and a debt blocks admission until it is cleared', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = [budget.tryAcquire(5), budget.tryAcquire(5)]
  budget.resize(4)
  t.match(budget, { capacity: 4, configuredCapacity: 10, reserved: 10, available: 0 })
  t.equal(held[0]?.bytes, 5)
  t.equal(budget.tryAcquire(0), undefined, 'nothing fits in debt')
  t.notOk(held[0]?.tryGrow(0), 'nor does growing')
  const waiting = outcomeOf(budget.acquire(4))
  held[0]?.release()
  await promisesSettled()
  t.equal(waiting(), undefined, 'still in debt')
  t.match(budget, { reserved: 5, available: 0, waiting: 1 })
  held[1]?.release()
  await promisesSettled()
  t.match(waiting(), { value: { bytes: 4 } })
})

t.test('a resize to what is no size changes nothing', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  for (const capacity of BAD_SIZES) {
    t.throws(() => budget.resize(anyValue(capacity)), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^capacity must be/,
    })
  }
  t.equal(budget.capacity, 10)
})

t.test('waiters larger than a capacity that was shrunk stand aside and keep their place', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(10)
  const granted: string[] = []
  watch(granted, 'first large', budget.acquire(8))
  watch(granted, 'small', budget.acquire(2))
  watch(granted, 'second large', budget.acquire(8))
  budget.resize(4)
  held?.release()
  await promisesSettled()
  t.same(granted, ['small'])
  t.equal(budget.waiting, 2)
  const newcomer = budget.tryAcquire(1)
  t.ok(newcomer, 'a newcomer need not stand behind those that nothing but a resize can serve')
  watch(granted, 'third large', budget.acquire(9))
  t.equal(budget.waiting, 3, 'it would have fitted the capacity as configured, so it may wait')
  newcomer?.release()
  budget.resize(10)
  await promisesSettled()
  t.same(granted, ['small', 'first large'])
})

t.test('what a larger capacity admits is not over the budget', async t => {
  const budget = budgetOf(t, { capacity: 4 })
  await t.rejects(budget.acquire(8), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
  budget.resize(10)
  const reservation = await budget.acquire(8)
  t.match(budget, { capacity: 10, configuredCapacity: 10, reserved: 8 })
  budget.resize(4)
  t.equal(budget.configuredCapacity, 10)
  reservation.release()
})

t.test('a charge is taken without asking, as a debt where there is no room', async t => {
  const budget = budgetOf(t, { capacity: 4 })
  const charged = budget.charge(6)
  t.match(budget, { reserved: 6, available: 0 })
  const waiting = budget.acquire(1)
  t.equal(budget.charge(0).bytes, 0, 'not even a queue is in its way')
  charged.release()
  t.match(await waiting, { bytes: 1 })
})

t.test(
  'a newcomer that may pass who stands before it does so at once, as far as that is allowed',
  async t => {
    const budget = budgetOf(t, { capacity: '100KiB', queue: { passBytes: '20KiB' } })
    const held = budget.tryAcquire('50KiB') as Reservation
    const large = outcomeOf(budget.acquire('60KiB'))
    const small = ['15KiB', '6KiB', '4KiB'].map(bytes => outcomeOf(budget.acquire(bytes)))
    await promisesSettled()
    t.same(
      small.map(outcome => outcome() !== undefined),
      [true, false, true],
    )
    t.match(budget, { reserved: 69 * 1024, waiting: 2 })

    small[0]?.()?.value?.release()
    await promisesSettled()
    t.match(budget, { reserved: 54 * 1024, waiting: 2 }, 'from there on it is strict')
    held.release()
    await promisesSettled()
    t.ok(large()?.value)
    for (const outcome of [large, ...small]) outcome()?.value?.release()
    await promisesSettled()
  },
)

t.test('nothing passes where nothing may, not even what costs nothing', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.tryAcquire(5) as Reservation
  const outcomes = [6, 0].map(bytes => outcomeOf(budget.acquire(bytes)))
  budget.tryAcquire(0)
  held.shrink(5)
  await promisesSettled()
  t.match(budget, { waiting: 2 })
  held.release()
  await promisesSettled()
  for (const outcome of outcomes) outcome()?.value?.release()
})

t.test('a process goes on for those who wait, unless it is told not to', async t => {
  for (const keepsProcess of [true, false]) {
    const budget = new ByteBudget({ capacity: 1, keepsProcess })
    const held = budget.tryAcquire(1)
    const before = timersThatKeepTheProcess()
    const waits = [budget.acquire(1), budget.acquire(1, { timeoutMs: 10_000 })]
    t.equal(timersThatKeepTheProcess() - before, keepsProcess ? 2 : 0)
    held?.release()
    for (const wait of waits) (await wait).release()
  }
})

function timersThatKeepTheProcess(): number {
  return process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
}
