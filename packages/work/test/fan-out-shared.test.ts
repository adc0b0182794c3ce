import { turns } from '@plimsoll/contract'
import t from 'tap'
import { fanOut, type Task } from '../src/index.ts'
import { type Gate, gates } from './fixtures/gate.ts'
import { inRequest } from './fixtures/in-request.ts'

/** Tasks of a call that are over when a test says so, and what it has seen of them. */
class Calls {
  /** Which call each task was of, in the order in which they have begun. */
  readonly begun: number[] = []
  /** Of those that run, in the same order. */
  readonly running: { readonly call: number; readonly gate: Gate }[] = []

  of(call: number, count: number): Task<number>[] {
    return gates(count).map((gate, n) => async () => {
      this.begun.push(call)
      this.running.push({ call, gate })
      await gate.promise
      return n
    })
  }

  /** Ends the one that has run for longest, of that call where it is said. */
  async endOne(of?: number): Promise<void> {
    const at = this.running.findIndex(({ call }) => of === undefined || call === of)
    this.running.splice(at, 1)[0]?.gate.open()
    await turns()
  }

  async endAll(): Promise<void> {
    while (this.running.length > 0) await this.endOne()
  }
}

t.test('calls that share a limit are served the oldest first, and few hold results at once', async t => {
  const [callsAtOnce, tasks, places] = [8, 6, 3]
  const shared = { name: 'oldest first', concurrency: places }
  const calls = new Calls()
  const kept = new Map<number, number>()
  const all = Array.from({ length: callsAtOnce }, (_, call) =>
    fanOut(
      calls.of(call, tasks).map(task => async (signal: AbortSignal) => {
        const result = await task(signal)
        kept.set(call, (kept.get(call) ?? 0) + 1)
        return result
      }),
      { shared, concurrency: tasks },
    ).then(() => kept.delete(call)),
  )
  await turns()
  let most = 0
  while (calls.running.length > 0) {
    const results = [...kept.values()].reduce((sum, count) => sum + count, 0)
    most = Math.max(most, results + calls.running.length)
    await calls.endOne()
  }
  await Promise.all(all)
  t.same(
    calls.begun,
    Array.from({ length: callsAtOnce * tasks }, (_, n) => Math.floor(n / tasks)),
  )
  t.ok(most <= places + tasks, `what runs and what is kept is ${most} at most`)
})

t.test('a later call has the places that no older one can use', async t => {
  const shared = { name: 'what is left', concurrency: 5 }
  const calls = new Calls()
  const one = fanOut(calls.of(1, 4), { shared, concurrency: 2 })
  const other = fanOut(calls.of(2, 4), { shared, concurrency: 2 })
  const third = fanOut(calls.of(3, 4), { shared, concurrency: 2 })
  await turns()
  t.same(calls.begun, [1, 1, 2, 2, 3], 'none runs more than its own concurrency')
  await calls.endOne(3)
  t.same(calls.begun.slice(5), [3], 'nobody older has one that may begin')
  await calls.endOne(1)
  await calls.endOne(2)
  t.same(calls.begun.slice(6), [1, 2])
  await calls.endAll()
  t.same([...(await one), ...(await other), ...(await third)], [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
})

t.test('an old call without an end leaves to others what is above its own concurrency', async t => {
  const shared = { name: 'endless', concurrency: 2 }
  const calls = new Calls()
  const stop = new AbortController()
  async function* endless(): AsyncGenerator<Task<number>> {
    for (;;) yield* calls.of(1, 1)
  }
  const old = fanOut(endless(), { shared, concurrency: 1, signal: stop.signal })
  await turns()
  const other = fanOut(calls.of(2, 3), { shared })
  await turns()
  for (let n = 0; n < 20; n++) await calls.endOne()
  t.same(await other, [0, 1, 2])
  stop.abort(new Error('enough'))
  await t.rejects(old, { message: 'enough' })
  await calls.endAll()
})

t.test('who has aborted leaves its place in the line to the next', async t => {
  const shared = { name: 'aborted', concurrency: 1, queueLimit: 3 }
  const calls = new Calls()
  const stop = new AbortController()
  const first = fanOut(calls.of(1, 2), { shared })
  const second = fanOut(calls.of(2, 2), { shared, signal: stop.signal })
  const third = fanOut(calls.of(3, 2), { shared })
  await turns()
  stop.abort(new Error('left'))
  await t.rejects(second, { message: 'left' })
  const fourth = fanOut(calls.of(4, 2), { shared })
  await turns()
  await calls.endAll()
  await Promise.all([first, third, fourth])
  t.same(calls.begun, [1, 1, 3, 3, 4, 4])
})

t.test(
  'a request that has called is older than one that came later, whose results it would hold meanwhile',
  async t => {
    const shared = { name: 'of requests', concurrency: 1 }
    const calls = new Calls()
    const [old, young] = [await inRequest(t), await inRequest(t)]
    const first = fanOut(calls.of(1, 1), { shared, reservation: old.reservation })
    const other = fanOut(calls.of(2, 3), { shared, reservation: young.reservation })
    await turns()
    await calls.endOne()
    await first
    const again = fanOut(calls.of(1, 2), { shared, reservation: old.reservation })
    await turns()
    await calls.endAll()
    await Promise.all([other, again])
    t.same(calls.begun, [1, 2, 1, 1, 2, 2])
    for (const { answer, idle } of [old, young]) {
      answer()
      await idle()
    }
  },
)
