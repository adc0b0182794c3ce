import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import type { Reservation } from '../src/reservation.ts'
import { budgetOf } from './fixtures/budget-of.ts'

/** Somebody of lower priority, who holds `bytes` and gives back all but the last `keeps`. */
function holds(
  t: Test,
  budget: ByteBudget,
  bytes: number,
  keeps = 0,
): { lacked: number[]; held: Reservation } {
  const held = budget.tryAcquire(bytes) as Reservation
  const lacked: number[] = []
  const leave = budget.onShortage(lacking => {
    lacked.push(lacking)
    held.shrink(Math.max(keeps, held.bytes - lacking))
  })
  t.teardown(leave)
  return { lacked, held }
}

t.test('a newcomer who finds room asks nobody', async t => {
  const budget = new ByteBudget({ capacity: 100 })
  const { lacked } = holds(t, budget, 40)
  t.ok(budget.tryAcquire(60))
  t.same(lacked, [])
})

t.test('a newcomer has what others of lower priority hold, and does not wait', async t => {
  const budget = new ByteBudget({ capacity: 100 })
  const { lacked, held } = holds(t, budget, 40)
  t.ok(budget.tryAcquire(90), 'at once')
  t.same(lacked, [30])
  t.equal(held.bytes, 10, 'and no more is taken than he lacks')
  t.equal((await budget.acquire(10)).bytes, 10)
  t.equal(held.bytes, 0)
  t.equal(budget.waiting, 0)
})

t.test('nobody else is asked once there is room', async t => {
  const budget = new ByteBudget({ capacity: 100 })
  const one = holds(t, budget, 20)
  const other = holds(t, budget, 20)
  t.ok(budget.tryAcquire(75))
  t.same([one.lacked, other.lacked], [[15], []])
  t.ok(budget.tryAcquire(20))
  t.same([one.lacked, other.lacked], [[15, 20], [15]])
})

t.test('who lacks more than they have waits, and they are not asked for him again', async t => {
  const budget = budgetOf(t, { capacity: 100 })
  const { lacked, held } = holds(t, budget, 40, 10)
  const first = budget.tryAcquire(50) as Reservation
  const second = budget.acquire(60)
  t.same(lacked, [50])
  t.equal(held.bytes, 10)
  t.equal(budget.waiting, 1)
  first.release()
  t.equal((await second).bytes, 60)
  t.same(lacked, [50])
})

t.test('with nobody allowed to wait it comes before the refusal', async t => {
  const budget = new ByteBudget({ capacity: 100, queue: { limit: 0 } })
  holds(t, budget, 40)
  t.equal((await budget.acquire(100)).bytes, 100)
})

t.test('what can never fit takes nothing from anybody', async t => {
  const budget = new ByteBudget({ capacity: 100 })
  const { lacked } = holds(t, budget, 40)
  t.equal(budget.tryAcquire(101), undefined)
  t.same(lacked, [])
})

t.test('who has left is asked no more', async t => {
  const budget = new ByteBudget({ capacity: 100 })
  const lacked: number[] = []
  const leave = budget.onShortage(bytes => lacked.push(bytes))
  t.ok(budget.tryAcquire(99))
  t.equal(budget.tryAcquire(2), undefined)
  leave()
  t.equal(budget.tryAcquire(2), undefined)
  t.same(lacked, [1])
})
