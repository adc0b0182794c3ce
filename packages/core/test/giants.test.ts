import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { Giants, LONG_TURN_MS, TURN_MS } from '../src/giants.ts'
import type { BudgetReservation } from '../src/reservation.ts'
import { Turn } from '../src/turn.ts'
import type { Holder } from '../src/watched.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { promisesSettled } from './fixtures/settled.ts'

/** A worker with 100 bytes, and 400 beside them in a turn; those of one test have one turn. */
function worker(t: Test) {
  const budget = new ByteBudget({ capacity: 100 })
  budget.configure(100, 400)
  const turn = new Turn(`giants-of-${t.name}-${process.pid}`)
  t.teardown(() => turn.giveBack())
  const giants = new Giants(budget, turn)
  return { budget, turn, look: () => giants.look() }
}

function silentHolder(reservation: BudgetReservation): Holder {
  return {
    reservation,
    overflow: undefined,
    moved: () => 0,
    owed: () => undefined,
    acknowledged: () => undefined,
    needed: () => undefined,
    lend: () => {},
    dropGuess: () => {},
    cut: () => {},
  }
}

t.test('a giant is let in at a look, beside whatever its worker has admitted', async t => {
  const { budget, turn, look } = worker(t)
  const small = budget.tryAcquire(90)
  const giant = budget.acquire(200)
  await promisesSettled()
  t.equal(turn.isOurs, false)
  look()
  t.equal(turn.isOurs, true)
  const held = await giant
  t.match(budget, { capacity: 100, reserved: 90, available: 10, giants: 200, waiting: 0 })
  t.equal(budget.tryAcquire(10)?.bytes, 10, 'and small ones are let in beside it')
  small?.release()
  look()
  t.equal(turn.isOurs, true)
  held.release()
  t.equal(budget.giants, 0)
  look()
  t.equal(turn.isOurs, false)
})

t.test('nobody takes the turn for those who have room without it, or never will', async t => {
  const { budget, turn, look } = worker(t)
  const held = budget.tryAcquire(90)
  const fits = budget.acquire(100)
  look()
  t.equal(turn.isOurs, false)
  held?.release()
  ;(await fits).release()
  await t.rejects(budget.acquire(401), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
  const giant = budget.acquire(400)
  budget.configure(100, 399)
  look()
  t.equal(turn.isOurs, false, 'not any more')
  budget.configure(100, 400)
  look()
  t.equal((await giant).bytes, 400)
})

t.test('for a second as many come in as have room, in their order, and nobody after it', async t => {
  const clock = new FakeClock(t)
  const { budget, turn, look } = worker(t)
  const all = [150, 250, 120, 101].map(bytes => budget.acquire(bytes))
  look()
  t.equal(budget.giants, 400)
  const [first, second] = await Promise.all(all.slice(0, 2))
  clock.tick(TURN_MS - 1)
  first?.release()
  t.equal(budget.giants, 370, 'within that call')
  clock.tick(1)
  look()
  second?.release()
  t.equal(budget.giants, 120, 'though the next would have room')
  ;(await all[2])?.release()
  look()
  t.equal(turn.isOurs, false, 'others first')
  look()
  t.equal(budget.giants, 101)
})

t.test('the next worker has its turn at its next look', async t => {
  const clock = new FakeClock(t)
  const [one, other] = [worker(t), worker(t)]
  const first = one.budget.acquire(200)
  one.look()
  clock.tick(TURN_MS)
  one.look()
  const second = one.budget.acquire(150)
  const ofOther = other.budget.acquire(300)
  other.look()
  t.equal(other.budget.waiting, 1)
  ;(await first).release()
  other.look()
  t.equal(other.budget.waiting, 1, 'until what floats of the first one is collected')
  one.look()
  other.look()
  t.equal((await ofOther).bytes, 300)
  one.look()
  t.equal(one.budget.waiting, 1)
  ;(await ofOther).release()
  other.look()
  one.look()
  t.equal((await second).bytes, 150)
})

t.test('who has left wants no turn, nor has one that was aborted within the call', async t => {
  const { budget, turn, look } = worker(t)
  const leaves = new AbortController()
  const giant = budget.acquire(200, { signal: leaves.signal })
  leaves.abort()
  await t.rejects(giant)
  look()
  t.equal(turn.isOurs, false)
  // Its own listener, which comes before that of the budget.
  const late = new AbortController()
  late.signal.addEventListener('abort', look)
  const aborted = budget.acquire(200, { signal: late.signal })
  late.abort()
  await t.rejects(aborted)
  t.equal(budget.giants, 0)
  t.equal(turn.isOurs, false)
})

t.test('while memory is short, only one that is alone is let in', async t => {
  const { budget, look } = worker(t)
  budget.tighten(10)
  const [first, second] = [budget.acquire(150), budget.acquire(150)]
  look()
  t.equal(budget.giants, 150)
  ;(await first).release()
  t.equal((await second).bytes, 150)
})

t.test('whoever resizes the budget has no giants any more; who is in finishes', async t => {
  const { budget, turn, look } = worker(t)
  const held = budget.acquire(200)
  look()
  budget.resize(120)
  await t.rejects(budget.acquire(130), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
  look()
  t.equal(turn.isOurs, true)
  ;(await held).release()
  look()
  t.equal(turn.isOurs, false)
})

t.test(
  'who waits for the turn of another worker does not tell that this one is wedged; in its own turn he does',
  async t => {
    const clock = new FakeClock(t)
    const [one, other] = [worker(t), worker(t)]
    t.equal(other.turn.take(), true)
    const { budget, look } = one
    const watched = budget.watch(silentHolder(budget.charge(50)))
    const giants = [200, 300].map(bytes => budget.acquire(bytes, { timeoutMs: 1_000_000 }))
    for (let n = 0; n < 100; n++) {
      clock.tick(1000)
      look()
    }
    t.equal(budget.stillMs, 0)
    other.turn.giveBack()
    look()
    clock.tick(70_000)
    t.ok(budget.stillMs > 60_000)
    budget.unwatch(watched)
    ;(await giants[0])?.release()
    ;(await giants[1])?.release()
    look()
  },
)

t.test('who stands still in a turn is cut after ten seconds, and not before', async t => {
  const clock = new FakeClock(t)
  const { budget, turn, look } = worker(t)
  const giant = budget.acquire(200)
  look()
  const held = (await giant) as Awaited<ReturnType<typeof budget.charge>>
  let moved = 0
  let cut = false
  const watched = budget.watch({
    ...silentHolder(held),
    moved: () => moved,
    owed: () => 'sends',
    cut() {
      cut = true
      held.release()
    },
  })
  const pass = (ms: number): void => {
    for (let n = 0; n < ms; n += 50) {
      clock.tick(50)
      look()
    }
  }
  pass(LONG_TURN_MS)
  t.equal(cut, false)
  t.equal(clock.pending, 0, 'nobody waits for it that one knows of')
  for (let n = 0; n < 20; n++) {
    moved += 10_000
    pass(1000)
  }
  t.equal(cut, false, 'who sends is let be')
  pass(6_000)
  t.equal(cut, true)
  budget.unwatch(watched)
  look()
  t.equal(turn.isOurs, false)
  t.equal(clock.pending, 0)
})

t.test('no giant is cut for who waits for the part of his worker', async t => {
  const clock = new FakeClock(t)
  const { budget, turn, look } = worker(t)
  const all = budget.tryAcquire(100)
  const giant = budget.acquire(200)
  await promisesSettled()
  look()
  const reservation = (await giant) as BudgetReservation
  let cut = false
  const watched = budget.watch({
    ...silentHolder(reservation),
    owed: () => 'sends',
    cut: () => {
      cut = true
    },
  })
  const waits = budget.acquire(50)
  await promisesSettled()
  clock.tick(20_000)
  t.equal(cut, false)
  budget.unwatch(watched)
  all?.release()
  ;(await waits).release()
  reservation.release()
  look()
  t.equal(turn.isOurs, false)
})
