import t from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { LEFT_OVER_MS } from '../src/leftovers.ts'
import { FakeClock } from './fixtures/fake-clock.ts'

const MIB = 2 ** 20

t.test('newcomers wait for what is left over beyond a quarter, and those who are in do not', async t => {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: 64 * MIB })
  const { leftovers } = budget
  const held = budget.tryAcquire(MIB)
  const left = [16, 48].map(mib => leftovers.leave(mib * MIB))
  t.match(budget, { available: 15 * MIB, reserved: MIB })
  t.equal(budget.tryAcquire(16 * MIB), undefined)
  t.equal(held?.tryGrow(63 * MIB), true, 'who is in already finishes')
  held?.shrink(MIB)
  const waiting = budget.acquire(16 * MIB)
  clock.tick(1)
  for (const leftover of [...left, ...left]) leftovers.over(leftover)
  t.equal(budget.reserved, 17 * MIB, 'decided within the call')
  t.equal(leftovers.bytes, 0)
  const granted = await waiting
  granted.release()
  held?.release()
  t.equal(clock.pending, 0)
})

t.test(
  'what is never told to be over counts for a time only, and keeps no timer where it holds up nobody',
  async t => {
    const clock = new FakeClock(t)
    const budget = new ByteBudget({ capacity: 64 * MIB, queue: { timeoutMs: 2 * LEFT_OVER_MS } })
    const { leftovers } = budget
    leftovers.leave(16 * MIB)
    t.equal(clock.pending, 0, 'a quarter is nothing')
    clock.tick(1000)
    leftovers.leave(MIB)
    t.equal(clock.pending, 1)
    const waiting = budget.acquire(64 * MIB)
    clock.tick(LEFT_OVER_MS - 1000)
    t.equal(leftovers.bytes, MIB)
    t.equal((await waiting).bytes, 64 * MIB)
    t.equal(clock.pending, 0)
  },
)

t.test('a small budget is free for 8 MiB of them', async t => {
  const budget = new ByteBudget({ capacity: MIB })
  budget.leftovers.leave(8 * MIB)
  t.equal(budget.available, MIB)
  budget.leftovers.leave(1)
  t.equal(budget.available, MIB - 1)
})
