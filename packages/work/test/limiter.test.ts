import { AsyncLocalStorage } from 'node:async_hooks'
import { turns } from '@plimsoll/contract'
import t from 'tap'
import { Limiter, type Line } from '../src/limiter.ts'
import { gate } from './fixtures/gate.ts'

/** Of a call that may have any number of jobs. */
function lineIn(limiter: Limiter, request?: object): Line {
  return limiter.tryEnter(0, 0, request) as Line
}

t.test('so many run at once, the others in their order', async t => {
  const limiter = new Limiter(2)
  const line = lineIn(limiter)
  const gates = Array.from({ length: 4 }, () => gate())
  const begun: number[] = []
  for (const [n, { promise }] of gates.entries()) {
    limiter.run(async () => {
      begun.push(n)
      await promise
    }, line)
  }
  await turns()
  t.same(begun, [0, 1])
  t.match(limiter, { running: 2, waiting: 2 })
  gates[1]?.open()
  await turns()
  t.same(begun, [0, 1, 2])
  for (const gate of gates) gate.open()
  await turns()
  t.same(begun, [0, 1, 2, 3])
  t.match(limiter, { running: 0, waiting: 0 })
})

t.test('who leaves while it waits is never run, and nothing of it is kept', async t => {
  const limiter = new Limiter(1)
  const line = lineIn(limiter)
  const first = gate()
  limiter.run(() => first.promise, line)
  const given = async (): Promise<void> => {
    t.fail('it has left')
  }
  limiter.run(given, line)
  await turns()
  t.equal(limiter.waiting, 1)
  t.equal(limiter.leave(given, line), true)
  t.equal(limiter.leave(given, line), false, 'once')
  t.equal(limiter.waiting, 0)
  first.open()
  await turns()
  t.equal(limiter.running, 0)
})

t.test('a job runs in the context of whoever has brought it', async t => {
  const limiter = new Limiter(1)
  const line = lineIn(limiter)
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  for (const name of ['one', 'other', 'third']) {
    storage.run(name, () =>
      limiter.run(async () => {
        await turns()
        seen.push(storage.getStore())
      }, line),
    )
  }
  while (limiter.running > 0) await turns()
  t.same(seen, ['one', 'other', 'third'])
})

t.test('jobs of the oldest call go first, whoever brings one when', async t => {
  const limiter = new Limiter(1)
  const begun: string[] = []
  const job = (name: string) => async (): Promise<void> => {
    begun.push(name)
  }
  const request = {}
  const [one, other] = [lineIn(limiter, request), lineIn(limiter)]
  const running = gate()
  limiter.run(() => running.promise, other)
  limiter.run(job('other 1'), other)
  limiter.run(job('other 2'), other)
  limiter.exit(one)
  const again = lineIn(limiter, request)
  limiter.run(job('again, of the same request'), again)
  const young = lineIn(limiter)
  limiter.run(job('young'), young)
  t.equal(limiter.waiting, 4)
  running.open()
  while (limiter.running > 0) await turns()
  t.same(begun, ['again, of the same request', 'other 1', 'other 2', 'young'])
})

t.test('places are for whoever comes first, and can be had again', async t => {
  const limiter = new Limiter(1)
  const first = limiter.tryEnter(2, 3)
  t.ok(first)
  t.notOk(limiter.tryEnter(2, 3))
  t.ok(limiter.tryEnter(1, 3))
  if (first) limiter.exit(first)
  t.ok(limiter.tryEnter(2, 3))
})
