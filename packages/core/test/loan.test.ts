import t from 'tap'
import type { ByteBudget } from '../src/byte-budget.ts'
import { type Loan, READ_AHEAD } from '../src/lending.ts'
import type { BudgetReservation } from '../src/reservation.ts'
import { budgetOf } from './fixtures/budget-of.ts'
import { outcomeOf, promisesSettled } from './fixtures/settled.ts'

const KiB = 1024
const CAPACITY = 1024 * KiB

/** A sender who was promised so much, and has sent nothing of it. */
function sender(
  budget: ByteBudget,
  bytes: number,
): { reservation: BudgetReservation; loan: Loan; told: boolean[] } {
  const reservation = budget.tryAcquire(bytes) as BudgetReservation
  const told: boolean[] = []
  const loan = budget.loanOf(reservation, halted => told.push(halted))
  return { reservation, loan, told }
}

t.test('what is lent is granted to who waits before the call returns', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const { loan, reservation } = sender(budget, CAPACITY)
  const next = outcomeOf(budget.acquire(900 * KiB))
  loan.lend(0)
  t.match(budget, { reserved: 900 * KiB + READ_AHEAD, waiting: 0, lent: CAPACITY - READ_AHEAD })
  await promisesSettled()
  const { value } = next() ?? {}
  t.ok(value)
  reservation.release()
  loan.end()
  value?.release()
  t.match(budget, { reserved: 0, lent: 0 })
})

t.test('little is not lent, nor what could not be given back to all', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const small = sender(budget, 2 * READ_AHEAD - 1)
  small.loan.lend(0)
  t.equal(budget.lent, 0)
  small.reservation.release()
  const one = sender(budget, CAPACITY)
  one.loan.lend(CAPACITY / 2)
  const lent = CAPACITY / 2 - READ_AHEAD
  t.equal(budget.lent, lent)
  const other = sender(budget, lent)
  budget.resize(CAPACITY - 1)
  other.loan.lend(lent - 2 * READ_AHEAD)
  t.equal(budget.lent, lent, 'both together could not have theirs again')
  for (const { loan, reservation } of [one, other]) {
    loan.end()
    reservation.release()
  }
})

t.test('who sends again gets more, twice as much with each step, and all of it in the end', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const { loan, reservation, told } = sender(budget, CAPACITY)
  loan.lend(0)
  const held = [reservation.bytes]
  for (let arrived = READ_AHEAD; arrived <= 512 * KiB; arrived += READ_AHEAD) {
    loan.claim(READ_AHEAD, arrived)
    if (reservation.bytes !== held.at(-1)) held.push(reservation.bytes)
  }
  t.same(
    held,
    [64, 128, 256, 512, 1024].map(size => size * KiB),
  )
  t.equal(budget.lent, 0)
  t.same(told, [])
  reservation.release()
})

t.test('who finds no room is halted, stands before all who wait, and goes on in his turn', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const senders = [sender(budget, 500 * KiB), sender(budget, 500 * KiB)]
  for (const { loan } of senders) loan.lend(0)
  const room = budget.charge(budget.available)
  for (const { loan } of senders) loan.claim(1, 1)
  t.match(budget, { halted: 2, reserved: CAPACITY })
  const next = outcomeOf(budget.acquire(1))
  room.shrink(room.bytes - 1)
  t.equal(budget.halted, 2, 'not enough for the first of them')
  await promisesSettled()
  t.equal(next(), undefined, 'and who came later waits behind them')
  t.equal(budget.tryAcquire(1), undefined)
  room.shrink(room.bytes - READ_AHEAD)
  t.equal(budget.halted, 1)
  t.same(senders[0]?.told, [true, false])
  t.same(senders[1]?.told, [true])
  room.release()
  t.equal(budget.halted, 0)
  await promisesSettled()
  next()?.value?.release()
  for (const { loan, reservation } of senders) {
    loan.end()
    reservation.release()
  }
  t.match(budget, { reserved: 0, lent: 0 })
})

t.test('what arrives in larger pieces than a read is counted, though nobody could keep it free', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const { loan, reservation } = sender(budget, CAPACITY)
  loan.lend(0)
  const room = budget.charge(budget.available)
  loan.claim(3 * READ_AHEAD, 3 * READ_AHEAD)
  t.equal(reservation.bytes, 3 * READ_AHEAD)
  t.equal(budget.reserved, CAPACITY + 2 * READ_AHEAD)
  t.equal(budget.halted, 1)
  loan.claim(1, 3 * READ_AHEAD + 1)
  t.equal(reservation.bytes, 3 * READ_AHEAD + 1, 'what was under way when it was halted, too')
  room.release()
  loan.end()
  reservation.release()
})

t.test('what is to be in use by a later price is had back where there is room, and else nothing', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const { loan, reservation } = sender(budget, 500 * KiB)
  loan.lend(0)
  const others = budget.charge(budget.available)
  t.ok(loan.tryClaim(READ_AHEAD, 500 * KiB), 'it has that')
  others.shrink(others.bytes - 100 * KiB)
  t.notOk(loan.tryClaim(READ_AHEAD + 100 * KiB + 1, 300 * KiB))
  t.equal(reservation.bytes, READ_AHEAD)
  t.ok(loan.tryClaim(READ_AHEAD + 100 * KiB, 300 * KiB))
  t.match(budget, { reserved: CAPACITY, lent: 500 * KiB - READ_AHEAD - 100 * KiB })
  loan.end()
  reservation.release()
  others.release()
})

t.test('who has begun and has all of it by a later price lets the next one begin', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY, queue: { lane: 0, passBytes: 0 } })
  const others = budget.charge(CAPACITY - READ_AHEAD)
  const beginner = (bytes: number): ReturnType<typeof outcomeOf<BudgetReservation>> =>
    outcomeOf(budget.acquire(bytes, { beginsWith: 1 }) as Promise<BudgetReservation>)
  const [first, second] = [beginner(300 * KiB), beginner(400 * KiB)]
  await promisesSettled()
  const reservation = first()?.value as BudgetReservation
  others.shrink(CAPACITY - 301 * KiB)
  t.equal(budget.waiting, 1)
  const loan = budget.loanOf(reservation, () => {})
  t.ok(loan.tryClaim(300 * KiB, 300 * KiB))
  t.equal(budget.waiting, 0)
  await promisesSettled()
  for (const held of [reservation, second()?.value, others]) held?.release()
  loan.end()
})

/** Asks for all there is, for a body whose length nobody knows. */
function endless(budget: ByteBudget): ReturnType<typeof outcomeOf<BudgetReservation>> {
  return outcomeOf(budget.acquire(CAPACITY, { beginsWith: READ_AHEAD }) as Promise<BudgetReservation>)
}

t.test('who has to be promised all there is begins beside others, and nobody waits behind him', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY, queue: { lane: 0, passBytes: 0 } })
  const slow = budget.charge(100 * KiB)
  const first = endless(budget)
  t.match(budget, { waiting: 0, reserved: 100 * KiB + READ_AHEAD, lent: CAPACITY - READ_AHEAD })
  const second = endless(budget)
  t.equal(budget.waiting, 1, 'of several at a time none would get far')
  const small = Array.from({ length: 4 }, () => budget.tryAcquire(100 * KiB))
  t.ok(small.every(Boolean), 'he who waits stands aside')
  await promisesSettled()
  first()?.value?.release()
  t.match(budget, { waiting: 0, lent: CAPACITY - READ_AHEAD }, 'and is next')
  await promisesSettled()
  for (const held of [slow, ...small, second()?.value]) held?.release()
  t.match(budget, { reserved: 0, lent: 0 })
})

t.test(
  'he does not begin where there is no room for a read, nor beside whom he would keep from his end',
  async t => {
    const budget = budgetOf(t, { capacity: CAPACITY, queue: { lane: 0, passBytes: 0 } })
    const { loan, reservation } = sender(budget, CAPACITY - 2 * READ_AHEAD)
    loan.lend(0)
    const room = budget.charge(budget.available)
    const next = endless(budget)
    t.equal(budget.waiting, 1, 'no room')
    room.shrink(room.bytes - READ_AHEAD)
    t.equal(budget.waiting, 0)
    loan.claim(READ_AHEAD, READ_AHEAD)
    t.equal(budget.halted, 1)
    await promisesSettled()
    next()?.value?.release()
    t.equal(budget.halted, 0)
    const later = endless(budget)
    t.equal(budget.tryAcquire(1), undefined, 'in order: he is no giant as long as he waits')
    room.release()
    loan.end()
    reservation.release()
    await promisesSettled()
    later()?.value?.release()
    t.match(budget, { reserved: 0, lent: 0, waiting: 0 })
  },
)

t.test('who is nearer to his end goes on before who was halted earlier, and has to wait for it', async t => {
  const budget = budgetOf(t, { capacity: CAPACITY })
  const far = sender(budget, CAPACITY)
  far.loan.lend(448 * KiB)
  const near = sender(budget, 512 * KiB)
  near.loan.lend(READ_AHEAD)
  const room = budget.charge(budget.available)
  far.loan.claim(READ_AHEAD, 512 * KiB)
  near.loan.claim(READ_AHEAD, 2 * READ_AHEAD)
  t.equal(budget.halted, 2)
  room.shrink(room.bytes - 384 * KiB)
  t.same([far.told, near.told], [[true], [true, false]], 'what is there would not do for both')
  t.equal(near.reservation.lent, 384 * KiB - READ_AHEAD)
  near.reservation.release()
  t.equal(budget.halted, 0)
  far.reservation.release()
  room.release()
  t.match(budget, { reserved: 0, lent: 0 })
})
