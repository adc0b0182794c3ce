import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { turns, until } from '@plimsoll/contract'
import { noReservation, type PlimsollError } from '@plimsoll/core'
import t from 'tap'
import { type FanOutOptions, fanOut, readBounded, type Task } from '../src/index.ts'
import { anyValue } from './fixtures/any-value.ts'
import { gates } from './fixtures/gate.ts'
import { inRequest } from './fixtures/in-request.ts'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

t.test('results are in the order of the tasks, whichever is over first', async t => {
  const [one, other, third] = gates(3)
  const results = fanOut([
    () => one?.promise.then(() => 1),
    async () => {
      await other?.promise
      return 2
    },
    () => third?.promise.then(() => 3),
    () => 4,
  ])
  third?.open()
  await turns()
  other?.open()
  one?.open()
  t.same(await results, [1, 2, 3, 4])
  t.same(await fanOut([]), [])
})

t.test('no more run at once than asked for, and in their order', async t => {
  const all = gates(5)
  const begun: number[] = []
  const tasks = all.map(({ promise }, n) => () => {
    begun.push(n)
    return promise
  })
  const results = fanOut(tasks, { concurrency: 2 })
  await turns()
  t.same(begun, [0, 1])
  all[1]?.open()
  await turns()
  t.same(begun, [0, 1, 2])
  for (const gate of all) gate.open()
  await results
  t.same(begun, [0, 1, 2, 3, 4])
})

t.test('four run at once where nobody says', async t => {
  const all = gates(6)
  let begun = 0
  const results = fanOut(
    all.map(({ promise }) => () => {
      begun++
      return promise
    }),
  )
  await turns()
  t.equal(begun, 4)
  for (const gate of all) gate.open()
  await results
})

t.test('more tasks than may run and wait are refused at once, and none is begun', async t => {
  let made = 0
  let closed = false
  function* endless(): Generator<Task<void>> {
    try {
      for (;;) {
        made++
        yield () => t.fail('none is begun') as never
      }
    } finally {
      closed = true
    }
  }
  const error = await fanOut(endless(), { concurrency: 2, queueLimit: 3 }).catch((e: PlimsollError) => e)
  t.match(error, { code: 'ERR_PLIMSOLL_QUEUE_FULL', statusCode: 503, limit: 5 })
  t.match((error as PlimsollError).headers?.['Retry-After'], /^[1-5]$/)
  t.equal(made, 6)
  t.ok(closed, 'whoever makes them is told')
  const five = Array.from({ length: 5 }, (_, n) => () => n)
  t.same(await fanOut(five, { concurrency: 2, queueLimit: 3 }), [0, 1, 2, 3, 4], 'as many are not')
  await t.rejects(fanOut([() => 1, () => 2], { concurrency: 1, queueLimit: 0 }), {
    code: 'ERR_PLIMSOLL_QUEUE_FULL',
  })
})

t.test(
  'the first failure ends the others: those that run by their signal, the rest are never begun',
  async t => {
    const [first] = gates(1)
    const begun: number[] = []
    const signals: AbortSignal[] = []
    const failure = new Error('of the second')
    const tasks: Task<void>[] = [
      signal => {
        signals.push(signal)
        begun.push(0)
        return first?.promise
      },
      async () => {
        begun.push(1)
        throw failure
      },
      () => {
        begun.push(2)
      },
      () => {
        begun.push(3)
      },
    ]
    await t.rejects(fanOut(tasks, { concurrency: 2 }), failure)
    t.equal(signals[0]?.aborted, true)
    t.equal(signals[0]?.reason, failure)
    first?.fail(new Error('is no news'))
    await turns()
    t.same(begun, [0, 1])
  },
)

t.test('where asked, all are run, and what has failed is told together', async t => {
  const [one, other] = [new Error('one'), new Error('other')]
  const signals: AbortSignal[] = []
  const tasks: Task<number>[] = [
    signal => {
      signals.push(signal)
      throw one
    },
    () => 2,
    async () => {
      throw other
    },
    () => 4,
  ]
  const error = await fanOut(tasks, { concurrency: 1, stopOnError: false }).catch(error => error)
  t.ok(error instanceof AggregateError)
  t.strictSame(error.errors, [one, other])
  t.equal(error.message, '2 tasks have failed')
  t.equal(signals[0]?.aborted, false)
  t.same(await fanOut([() => 1], { stopOnError: false }), [1])
})

t.test('a signal of one’s own ends it, and is not listened to any more', async t => {
  const controller = new AbortController()
  const { signal } = controller
  await fanOut([() => 1], { signal })
  t.equal(listeners(signal), 0, 'after its end')
  const failed = fanOut([() => Promise.reject(new Error('failed'))], { signal })
  await t.rejects(failed, { message: 'failed' })
  t.equal(listeners(signal), 0, 'after a failure')
  const all = gates(2)
  let begun = 0
  const results = fanOut(
    all.map(({ promise }) => () => {
      begun++
      return promise
    }),
    { signal, concurrency: 1 },
  )
  await turns()
  t.equal(listeners(signal), 1)
  const reason = new Error('enough')
  controller.abort(reason)
  await t.rejects(results, reason)
  t.equal(listeners(signal), 0, 'after an abort')
  all[0]?.open()
  await turns()
  t.equal(begun, 1)
  await t.rejects(fanOut([() => t.fail('aborted before')], { signal }), reason)
})

t.test('an async iterable is asked only for what can run', async t => {
  const all = gates(6)
  let made = 0
  async function* tasks(): AsyncGenerator<Task<number>> {
    for (const [n, { promise }] of all.entries()) {
      made++
      yield () => promise.then(() => n)
    }
  }
  const results = fanOut(tasks(), { concurrency: 2, queueLimit: 0 })
  await turns()
  t.equal(made, 2)
  all[1]?.open()
  await turns()
  t.equal(made, 3)
  for (const gate of all) gate.open()
  t.same(await results, [0, 1, 2, 3, 4, 5])
})

t.test('an async iterable is closed where the call ends before it', async t => {
  let closed = 0
  async function* endless(): AsyncGenerator<Task<void>> {
    try {
      for (;;)
        yield () => {
          throw new Error('failed')
        }
    } finally {
      closed++
      // biome-ignore lint/correctness/noUnsafeFinally: what it does at its end is not told
      throw new Error('at its end')
    }
  }
  await t.rejects(fanOut(endless(), { concurrency: 1 }), { message: 'failed' })
  await until(() => closed === 1, 'its end')
  const [gate] = gates(1)
  const next = async () => ({ value: () => gate?.promise, done: false })
  const withoutReturn = { [Symbol.asyncIterator]: () => ({ next }) }
  const controller = new AbortController()
  const results = fanOut(withoutReturn, { signal: controller.signal })
  await turns()
  controller.abort(new Error('enough'))
  await t.rejects(results, { message: 'enough' })
  gate?.open()
})

t.test('what comes of an async iterable after the end is not begun', async t => {
  const [gate] = gates(1)
  const controller = new AbortController()
  async function* late(): AsyncGenerator<Task<void>> {
    await gate?.promise
    yield () => t.fail('the call has ended') as never
  }
  const results = fanOut(late(), { signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.rejects(results, { message: 'enough' })
  gate?.open()
  await turns()
})

t.test('an async iterable that fails ends the call, and so does what is no task', async t => {
  async function* failing(): AsyncGenerator<Task<number>> {
    yield () => 1
    throw new Error('no more')
  }
  await t.rejects(fanOut(failing(), { stopOnError: false }), { message: 'no more' })
  async function* none(): AsyncGenerator<Task<number>> {
    yield anyValue<Task<number>>(7)
  }
  await t.rejects(fanOut(none()), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /^a task must be a function, got 7/,
  })
})

t.test('what is shared by name bounds all calls together', async t => {
  const shared = { name: 'of a test', concurrency: 3, queueLimit: 4 }
  const all = gates(12)
  let running = 0
  let most = 0
  const task = (n: number) => async (): Promise<number> => {
    most = Math.max(most, ++running)
    await all[n]?.promise
    running--
    return n
  }
  const one = fanOut([0, 1, 2, 3, 4, 5].map(task), { shared, concurrency: 5 })
  const other = fanOut([6, 7, 8].map(task), { shared, concurrency: 2 })
  await turns()
  t.equal(running, 3)
  let closed = 0
  const refused = {
    [Symbol.asyncIterator]: () => ({
      next: async () => t.fail('it is never asked') as never,
      return: async () => ({ done: true as const, value: closed++ }),
    }),
  }
  await t.rejects(fanOut([9, 10, 11].map(task), { shared, concurrency: 3 }), {
    code: 'ERR_PLIMSOLL_QUEUE_FULL',
    limit: 7,
  })
  await t.rejects(fanOut(refused, { shared, concurrency: 3 }), { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
  t.equal(closed, 1, 'who makes tasks is told')
  const third = fanOut([9, 10].map(task), { shared, concurrency: 2 })
  for (const gate of all) gate.open()
  t.same(await Promise.all([one, other, third]), [
    [0, 1, 2, 3, 4, 5],
    [6, 7, 8],
    [9, 10],
  ])
  t.equal(most, 3)
  await t.resolves(fanOut([11].map(task), { shared, concurrency: 7 }), 'all places are free again')
})

t.test('who has ended leaves the line of what is shared', async t => {
  const shared = { name: 'of a line', concurrency: 1, queueLimit: 1 }
  const [gate] = gates(1)
  const first = fanOut([() => gate?.promise], { shared })
  const controller = new AbortController()
  for (let n = 0; n < 3; n++) {
    const waiting = fanOut([() => t.fail('never')], { shared, signal: controller.signal, concurrency: 1 })
    controller.abort(new Error('left'))
    await t.rejects(waiting)
  }
  const second = fanOut([() => 2], { shared })
  gate?.open()
  await first
  t.same(await second, [2])
})

t.test('a call counts in what is shared for no more tasks than it has', async t => {
  const shared = { name: 'of few', concurrency: 4, queueLimit: 0 }
  const [gate] = gates(1)
  const one = () => gate?.promise
  const calls = [1, 2, 3, 4].map(() => fanOut([one], { shared }))
  await t.rejects(fanOut([one], { shared }), { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
  t.same(await fanOut([], { shared }), [], 'of none there is always room')
  gate?.open()
  t.equal((await Promise.all(calls)).length, 4)
})

t.test('a task that would wait for itself is told so, and not left to wait', async t => {
  const [outer, inner] = [
    { name: 'outer', concurrency: 1 },
    { name: 'inner', concurrency: 1 },
  ]
  const itself: Task<number[]> = signal => fanOut([() => 1], { shared: outer, signal })
  await t.rejects(fanOut([itself], { shared: outer }), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /^shared must be of another name than that of the task it is in/,
  })
  const within: Task<unknown>[] = [
    signal => fanOut([itself], { shared: inner, signal }),
    signal => fanOut([itself], { signal }),
  ]
  for (const task of within)
    await t.rejects(fanOut([task], { shared: outer }), { code: 'ERR_PLIMSOLL_OPTION' }, 'nor further down')
  const other: Task<number[]> = signal => fanOut([() => 1], { shared: inner, signal })
  t.same(await fanOut([other, other], { shared: outer }), [[1], [1]])
})

t.test('what is aborted while its tasks are made begins nothing', async t => {
  const controller = new AbortController()
  function* tasks(): Generator<Task<void>> {
    controller.abort(new Error('meanwhile'))
    yield () => t.fail('never') as never
  }
  await t.rejects(fanOut(tasks(), { signal: controller.signal }), { message: 'meanwhile' })
})

t.test('however many tasks listen to their signal, Node warns of no leak', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): number => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const waits: Task<void>[] = Array.from({ length: 20 }, () => signal => sleep(1, undefined, { signal }))
  await fanOut(waits, { concurrency: 20 })
  await turns()
  t.same(warnings, [])
})

t.test('a request that nobody has admitted, or that is over, begins nothing', async t => {
  const never = (): unknown => t.fail('never')
  await t.rejects(fanOut([never], { reservation: noReservation }), { code: 'ERR_PLIMSOLL_RELEASED' })
  const { reservation, answer, idle } = await inRequest(t)
  answer()
  await idle()
  await t.rejects(fanOut([never], { reservation }), { code: 'ERR_PLIMSOLL_RELEASED' })
})

t.test('whose client left before it began is told that, and not that the request is over', async t => {
  const { governor, reservation, client } = await inRequest(t)
  client.leave()
  await until(() => reservation.released, 'the end of the request')
  await t.rejects(fanOut([() => t.fail('never')], { reservation }), { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  await t.rejects(readBounded(new Response('12345'), 5, { reservation }), {
    code: 'ERR_PLIMSOLL_CLIENT_GONE',
  })
  t.equal(governor.stats().reserved, 0)
})

t.test('options that are wrong are named, and nothing is begun', async t => {
  const never = (): unknown => t.fail('never')
  const wrong: [unknown, RegExp][] = [
    [null, /^options must/],
    [{ limit: 1 }, /"limit" of options/],
    [{ concurrency: 0 }, /^concurrency/],
    [{ concurrency: Number.NaN }, /^concurrency/],
    [{ queueLimit: -1 }, /^queueLimit/],
    [{ bytes: 'many' }, /^bytes/],
    [{ bytes: 1 }, /^bytes must be 0 without a reservation/],
    [{ reservation: {} }, /^reservation/],
    [{ reservation: null }, /^reservation/],
    [{ signal: {} }, /^signal/],
    [{ stopOnError: 1 }, /^stopOnError/],
    [{ name: 1 }, /^name/],
    [{ shared: {} }, /^shared\.name/],
  ]
  for (const [options, message] of wrong)
    await t.rejects(fanOut([never], anyValue<FanOutOptions>(options)), {
      code: 'ERR_PLIMSOLL_OPTION',
      message,
    })
  for (const tasks of [undefined, null, 7, {}])
    await t.rejects(fanOut(anyValue<Task<void>[]>(tasks)), { code: 'ERR_PLIMSOLL_OPTION', message: /^tasks/ })
  await t.rejects(fanOut(anyValue<Task<void>[]>([never, 7])), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /^a task/,
  })
  const heavy = Object.assign(never, { bytes: '1KiB' })
  await t.rejects(fanOut([heavy]), { code: 'ERR_PLIMSOLL_OPTION', message: /^bytes/ })
})
