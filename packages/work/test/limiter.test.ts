import { AsyncLocalStorage } from 'node:async_hooks'
import { turns } from '@plimsoll/contract'
import t from 'tap'
import { Limiter } from '../src/limiter.ts'
import { gate } from './fixtures/gate.ts'

t.test('so many run at once, the others in their order', async t => {
  const limiter = new Limiter(2)
  const gates = Array.from({ length: 4 }, () => gate())
  const begun: number[] = []
  for (const [n, { promise }] of gates.entries()) {
    limiter.run(async () => {
      begun.push(n)
      await promise
    })
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
  const first = gate()
  limiter.run(() => first.promise)
  const given = async (): Promise<void> => {
    t.fail('it has left')
  }
  limiter.run(given)
  await turns()
  t.equal(limiter.waiting, 1)
  t.equal(limiter.leave(given), true)
  t.equal(limiter.leave(given), false, 'once')
  t.equal(limiter.waiting, 0)
  first.open()
  await turns()
  t.equal(limiter.running, 0)
})

t.test('a job runs in the context of whoever has brought it', async t => {
  const limiter = new Limiter(1)
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  for (const name of ['one', 'other', 'third']) {
    storage.run(name, () =>
      limiter.run(async () => {
        await turns()
        seen.push(storage.getStore())
      }),
    )
  }
  while (limiter.running > 0) await turns()
  t.same(seen, ['one', 'other', 'third'])
})

t.test('places are for whoever comes first, and can be had again', async t => {
  const limiter = new Limiter(1)
  t.equal(limiter.tryEnter(2, 3), true)
  t.equal(limiter.tryEnter(2, 3), false)
  t.equal(limiter.tryEnter(1, 3), true)
  limiter.exit(2)
  t.equal(limiter.tryEnter(2, 3), true)
})
