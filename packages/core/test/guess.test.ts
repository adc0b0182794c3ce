import t, { type Test } from 'tap'
import { BUFFERED_FREE, costOfBuffered } from '../src/buffered-cost.ts'
import { ByteBudget } from '../src/byte-budget.ts'
import { Holding, type Payer } from '../src/holding.ts'
import { FREE, type Price } from '../src/price.ts'
import { LOOK_EVERY_MS } from '../src/watched.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { outcomeOf, promisesSettled } from './fixtures/settled.ts'

const MiB = 2 ** 20
const GUESS = 8 * MiB
const CAPACITY = 4 * GUESS

/** A response that is under way, and holds what was guessed for it. */
function response(
  budget: ByteBudget,
  price: Partial<Price>,
): { holding: Holding; res: { writableLength: number } } {
  const res = { writableLength: 0 }
  const of = { price: { ...FREE, ...price }, res, req: {}, reader: undefined, socket: {}, guessDropped() {} }
  const payer = anyValue<Payer>(of)
  const holding = new Holding(payer, budget)
  holding.take(anyValue(budget.tryAcquire(GUESS)))
  return { holding, res }
}

interface Full {
  readonly clock: FakeClock
  readonly budget: ByteBudget
  readonly one: ReturnType<typeof response>
  readonly all: ReturnType<typeof response>[]
  /** What has become of another, who waits for as much. */
  readonly newcomer: () => unknown
}

/** A budget that is full of responses. */
function full(t: Test, price: Partial<Price> = { bytes: GUESS, response: GUESS }): Full {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  const all = [1, 2, 3, 4].map(() => response(budget, price))
  const newcomer = outcomeOf(budget.acquire(GUESS))
  return { clock, budget, all, newcomer, one: all[0] as ReturnType<typeof response> }
}

/** Lets as much time go by, a look at a time. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += LOOK_EVERY_MS) {
    clock.tick(LOOK_EVERY_MS)
    await promisesSettled()
  }
}

t.test('event streams that buffer nothing give what was guessed for them to those who wait', async t => {
  const { clock, budget, all, newcomer } = full(t)
  await pass(clock, 1900)
  t.equal(newcomer(), undefined, 'whoever reads a file may not have begun')
  await pass(clock, 200)
  t.ok(newcomer())
  for (const { holding } of all) t.equal(holding.bytes, 0)
  t.equal(budget.reserved, GUESS)
})

t.test('as long as nobody waits, they keep it', async t => {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  const { holding } = response(budget, { bytes: GUESS, response: GUESS })
  await pass(clock, 10_000)
  t.equal(holding.bytes, GUESS)
  holding.release()
})

t.test('who has buffered some keeps what that costs', async t => {
  const { clock, one } = full(t)
  const buffered = 2 * BUFFERED_FREE
  one.holding.buffered(buffered)
  await pass(clock, 2100)
  t.equal(one.holding.bytes, costOfBuffered(buffered))
})

t.test('it is given back once: what is taken later is kept', async t => {
  const { clock, budget, one } = full(t)
  await pass(clock, 2100)
  t.ok(one.holding.tryGrow(GUESS))
  budget.charge(CAPACITY)
  budget.acquire(GUESS).catch(() => {})
  await pass(clock, 2100)
  t.equal(one.holding.bytes, GUESS)
})

t.test('what was no guess is kept', async t => {
  const { clock, one, newcomer } = full(t, { bytes: GUESS })
  await pass(clock, 4000)
  t.equal(one.holding.bytes, GUESS)
  t.equal(newcomer(), undefined)
})
