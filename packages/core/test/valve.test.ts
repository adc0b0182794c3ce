import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { Governor } from '../src/governor.ts'
import { READ_AHEAD } from '../src/lending.ts'
import { Looks } from '../src/looks.ts'
import { Valve } from '../src/valve.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { recordingLogger, silent } from './fixtures/recording-logger.ts'
import { promisesSettled } from './fixtures/settled.ts'

const MIB = 2 ** 20
const LIMIT = 1000
const HIGH = 900
const LOW = 100

/** A budget of 800 with a valve, and what its memory reads. */
function valved(t: Test, { capacity = 800, passBytes = 800 } = {}) {
  const clock = new FakeClock(t)
  const logger = recordingLogger()
  const budget = new ByteBudget({ capacity, queue: { lane: 40, passBytes, timeoutMs: 60_000 } })
  const memory = {
    usedBytes: LOW,
    looks: 0,
    read() {
      memory.looks++
      return { usedBytes: memory.usedBytes, limitBytes: LIMIT, stalled: 0 }
    },
  }
  const valve = new Valve(budget, logger, memory)
  const looks = new Looks(budget)
  budget.looks = looks
  looks.valve = valve
  return { budget, looks, valve, memory, clock, logger }
}

t.test('it looks while anything is reserved, and rests after that', async t => {
  const { budget, memory, clock } = valved(t)
  clock.tick(1000)
  t.equal(memory.looks, 0, 'nobody came')
  const held = budget.tryAcquire(100)
  t.equal(memory.looks, 1, 'before the first one is let in')
  budget.tryAcquire(1)?.release()
  t.equal(memory.looks, 1, 'not for each')
  clock.tick(1000)
  t.equal(memory.looks, 21)
  held?.release()
  clock.tick(1000)
  t.equal(memory.looks, 21)
  t.equal(clock.pending, 0)
})

t.test('shut, it lets small ones in, and who would be alone, and nobody else', async t => {
  const { budget, memory, clock } = valved(t)
  const held = budget.tryAcquire(300)
  memory.usedBytes = HIGH
  clock.tick(50)
  t.equal(budget.ceiling, 100)
  t.equal(budget.available, 0)
  t.match(budget, { capacity: 800, configuredCapacity: 800 }, 'what was set stays as it is')
  t.equal(budget.tryAcquire(200), undefined)
  const lane = budget.tryAcquire(8)
  t.equal(lane?.bytes, 8, 'by the lane')
  t.ok(held?.tryGrow(100), 'who is in has all of the capacity')
  const large = budget.acquire(200)
  held?.release()
  await promisesSettled()
  t.equal(budget.reserved, 200, 'the large one is alone now')
  t.equal(budget.tryAcquire(1)?.bytes, 1)
  t.equal(budget.tryAcquire(50), undefined)
  ;(await large).release()
  t.equal(budget.tryAcquire(50)?.bytes, 50, 'up to the ceiling there is room')
})

t.test(
  'one larger than the ceiling lets others pass, and is told apart from one that can never fit',
  async t => {
    const { budget, memory, clock } = valved(t)
    const held = budget.tryAcquire(20)
    memory.usedBytes = HIGH
    clock.tick(50)
    const large = budget.acquire(700)
    for (let n = 0; n < 100; n++) budget.tryAcquire(60)?.release()
    t.equal(budget.waiting, 1)
    t.equal(budget.tryAcquire(60)?.bytes, 60)
    memory.usedBytes = LOW
    clock.tick(50)
    t.equal((await large).bytes, 700, 'once memory has fallen')
    held?.release()
    await t.rejects(budget.acquire(801), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
  },
)

t.test('where memory stays high and hardly anything is reserved, it opens by itself', async t => {
  const { budget, memory, clock } = valved(t)
  const held = budget.tryAcquire(20)
  memory.usedBytes = HIGH
  clock.tick(50)
  const large = budget.acquire(700)
  clock.tick(2500)
  t.equal(budget.waiting, 1)
  clock.tick(600)
  t.equal((await large).bytes, 700)
  clock.tick(50)
  t.equal(budget.ceiling, 100, 'one at a time')
  held?.release()
})

t.test('it does not override a resize, nor a resize it', async t => {
  const { budget, memory, clock } = valved(t)
  const held = budget.tryAcquire(50)
  memory.usedBytes = HIGH
  clock.tick(50)
  budget.resize(400)
  t.equal(budget.ceiling, 100)
  clock.tick(50)
  t.equal(budget.ceiling, 50, 'an eighth of what it is now')
  memory.usedBytes = LOW
  clock.tick(50)
  t.match(budget, { capacity: 400, ceiling: 400, configuredCapacity: 800 })
  held?.release()
})

t.test('idle it is open, so that nobody waits for requests that do not come', async t => {
  const { budget, valve, memory, clock } = valved(t)
  const held = budget.tryAcquire(50)
  memory.usedBytes = HIGH
  clock.tick(1000)
  t.equal(valve.shutForMs, 950)
  held?.release()
  clock.tick(50)
  t.equal(valve.shutForMs, 0)
  t.equal(budget.ceiling, 800)
  t.equal(budget.tryAcquire(700)?.bytes, 700, 'alone, however high memory is')
  t.equal(budget.ceiling, 100)
})

t.test('who closes its governor stops it, unless others share its budget and hold some of it', async t => {
  const { budget, clock, looks } = valved(t)
  const governor = new Governor({ budget, logger: silent })
  const held = budget.tryAcquire(100)
  await governor.close()
  t.equal(clock.pending, 1)
  held?.release()
  await governor.close()
  t.equal(clock.pending, 0)
  t.ok(looks.rest(), 'any number of times')
})

t.test('it looks for those who wait, too', async t => {
  const { budget, memory, clock } = valved(t)
  budget.press(1)
  budget.tryAcquire(1)?.release()
  clock.tick(1000)
  t.equal(memory.looks, 21)
  budget.press(-1)
  clock.tick(50)
  t.equal(clock.pending, 0)
})

t.test('it says so, at most every ten seconds', async t => {
  const { budget, memory, clock, logger } = valved(t)
  const held = budget.tryAcquire(500)
  memory.usedBytes = HIGH
  clock.tick(9_000)
  t.match(logger.lines, [
    { level: 'warn', details: { usedBytes: HIGH, limitBytes: LIMIT, reserved: 500, waiting: 0 } },
  ])
  t.equal(logger.lines.length, 1)
  clock.tick(2_000)
  t.equal(logger.lines.length, 2)
  memory.usedBytes = LOW
  clock.tick(20_000)
  t.equal(logger.lines.length, 2)
  held?.release()
})

t.test('who stands still is cut for one whom the ceiling keeps out, if that would be alone then', async t => {
  const { budget, memory, clock } = valved(t)
  const held = budget.charge(300)
  memory.usedBytes = HIGH
  budget.looks?.wake()
  const large = budget.acquire(200)
  let cut = 0
  const watched = budget.watch({
    reservation: held,
    overflow: undefined,
    moved: () => 0,
    owed: () => 'sends',
    acknowledged: () => undefined,
    needed: () => undefined,
    lend: () => {},
    dropGuess: () => {},
    cut() {
      cut++
      held.release()
    },
  })
  clock.tick(10_000)
  t.equal(cut, 1)
  t.equal((await large).bytes, 200)
  budget.unwatch(watched)
})

t.test('shut, nobody begins with a part who wants more than the ceiling leaves', async t => {
  const { budget, memory, clock } = valved(t, { capacity: 8 * MIB, passBytes: 0 })
  const held = budget.tryAcquire(MIB / 2)
  memory.usedBytes = HIGH
  clock.tick(50)
  t.equal(budget.ceiling, MIB)
  const reserved: number[] = []
  const unknown = budget.acquire(MIB, { beginsWith: READ_AHEAD })
  void unknown.then(({ bytes }) => reserved.push(bytes))
  await promisesSettled()
  t.same(reserved, [])
  memory.usedBytes = LOW
  clock.tick(50)
  await promisesSettled()
  t.same(reserved, [MIB], 'open, there is room for all of it')
  held?.release()
  ;(await unknown).release()
})
