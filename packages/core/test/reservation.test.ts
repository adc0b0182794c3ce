import t from 'tap'
import { anyValue } from './fixtures/any-value.ts'
import { budgetOf } from './fixtures/budget-of.ts'
import { promisesSettled } from './fixtures/settled.ts'

t.test('any number of releases have one effect', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const one = budget.charge(4)
  const other = budget.charge(4)
  one.release()
  one.release()
  one[Symbol.dispose]()
  t.match(budget, { reserved: 4, available: 6 })
  t.match(one, { bytes: 0, released: true, paidIn: 0 })
  other.release()
})

t.test('disposing releases', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  budget.charge(4)[Symbol.dispose]()
  t.equal(budget.reserved, 0)
})

t.test('growing takes bytes that are free now, and never waits', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const reservation = budget.charge(4)
  t.equal(reservation.tryGrow('5B'), true)
  t.equal(reservation.tryGrow(0), true)
  t.equal(reservation.tryGrow(2), false)
  t.match(reservation, { bytes: 9 })
  t.equal(budget.reserved, 9)
  reservation.release()
  t.equal(budget.reserved, 0, 'what was grown is given back too')
})

t.test('growing may pass waiters, since who finishes frees bytes', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const reservation = budget.charge(4)
  const waiting = budget.acquire(10)
  t.equal(reservation.tryGrow(6), true)
  t.match(budget, { reserved: 10, waiting: 1 })
  reservation.release()
  t.match(await waiting, { bytes: 10 })
})

t.test('shrinking gives back all above, and never grows', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const reservation = budget.charge(8)
  reservation.shrink('3B')
  t.equal(reservation.bytes, 3)
  reservation.shrink(5)
  t.equal(reservation.bytes, 3)
  t.equal(budget.reserved, 3)
  reservation.shrink(0)
  t.match(reservation, { bytes: 0, released: false })
  t.equal(reservation.tryGrow(1), true, 'it is still a reservation')
  reservation.release()
})

t.test('after its release a reservation neither grows nor shrinks', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const reservation = budget.charge(8)
  reservation.release()
  t.equal(reservation.tryGrow(1), false)
  t.equal(reservation.tryGrow(0), false)
  reservation.shrink(0)
  reservation.shrink(5)
  reservation.payIn(5)
  t.match(reservation, { bytes: 0, released: true, paidIn: 0 })
  t.match(budget, { reserved: 0, paidIn: 0, available: 10 })
})

t.test('what is no size is refused, before and after release', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const reservation = budget.charge(8)
  for (const state of ['held', 'released']) {
    for (const bad of [Number.NaN, -1, 1.5, '', '5', null, undefined, {}]) {
      t.throws(
        () => reservation.tryGrow(anyValue(bad)),
        { code: 'ERR_PLIMSOLL_OPTION', message: /^by must be/ },
        state,
      )
      t.throws(
        () => reservation.shrink(anyValue(bad)),
        { code: 'ERR_PLIMSOLL_OPTION', message: /^to must be/ },
        state,
      )
    }
    t.equal(budget.reserved, state === 'held' ? 8 : 0)
    reservation.release()
  }
})

t.test('what is promised and what has been paid in are kept apart', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const one = budget.charge(6)
  const other = budget.charge(4)
  one.payIn(4)
  other.payIn(1)
  t.match(budget, { reserved: 10, paidIn: 5 })
  one.payIn(4)
  t.equal(one.paidIn, 6, 'never more than was promised')
  one.shrink(2)
  t.equal(one.paidIn, 2)
  t.match(budget, { reserved: 6, paidIn: 3 })
  other.shrink(3)
  t.equal(other.paidIn, 1, 'a shrink above what was paid leaves it')
  one.release()
  t.match(budget, { reserved: 3, paidIn: 1 })
  other.release()
  t.match(budget, { reserved: 0, paidIn: 0 })
})

t.test('a waiter is granted what it asked for, once', async t => {
  const budget = budgetOf(t, { capacity: 10 })
  const held = budget.charge(10)
  const promise = budget.acquire(4)
  held.release()
  held.release()
  const granted = await promise
  await promisesSettled()
  t.match(granted, { bytes: 4, released: false, paidIn: 0 })
  t.equal(budget.reserved, 4)
})
