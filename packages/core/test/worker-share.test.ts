import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { chooseBudget } from '../src/memory-limit.ts'
import { RETURNS_AFTER_MS, WorkerShare } from '../src/worker-share.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

/** The share of one of four workers, and how many there are. */
function shared(t: Test) {
  const clock = new FakeClock(t)
  const logger = recordingLogger()
  const workers = { first: 4, now: 4, count: () => workers.now }
  const share = new WorkerShare(logger, workers)
  const budget = new ByteBudget({ capacity: share.chosen.bytes })
  share.govern(budget)
  const lookAt = (count: number): number => {
    workers.now = count
    share.look()
    return budget.capacity
  }
  const partOf = (count: number): number => {
    const { limit, residentBytes } = share.chosen
    return chooseBudget(limit, residentBytes, count).bytes
  }
  return { share, budget, lookAt, partOf, clock, logger }
}

t.test('a worker begins with its part', async t => {
  const { share, lookAt, partOf, logger } = shared(t)
  t.equal(share.chosen.bytes, partOf(4))
  t.equal(lookAt(4), partOf(4))
  t.same(logger.lines, [])
})

t.test('it has less as soon as there are more of them, and what is larger can never fit', async t => {
  const { share, budget, lookAt, partOf, logger } = shared(t)
  t.equal(lookAt(5), partOf(5))
  t.equal(budget.configuredCapacity, partOf(5))
  t.equal(share.chosen.bytes, partOf(5))
  t.match(logger.lines, [{ level: 'info', details: { budget: partOf(5), workers: 5 }, message: /^plimsoll: 5 w/ }])
})

t.test('the part of one that has gone comes to the others after a second, unless a successor comes', async t => {
  const { budget, lookAt, partOf, clock } = shared(t)
  t.equal(lookAt(3), partOf(4))
  clock.tick(RETURNS_AFTER_MS - 1)
  t.equal(lookAt(3), partOf(4))
  t.equal(lookAt(4), partOf(4), 'a successor')
  clock.tick(RETURNS_AFTER_MS)
  t.equal(lookAt(3), partOf(4), 'time counts from when it went')
  clock.tick(RETURNS_AFTER_MS)
  t.equal(lookAt(3), partOf(3))
  t.equal(budget.configuredCapacity, partOf(3))
})

t.test('what came back lets in who waits', async t => {
  const { budget, lookAt, partOf, clock } = shared(t)
  budget.tryAcquire(partOf(4))
  const waiting = budget.acquire(1)
  lookAt(1)
  clock.tick(RETURNS_AFTER_MS)
  lookAt(1)
  t.equal((await waiting).bytes, 1)
})

t.test('a budget that its user has resized is left alone', async t => {
  const { budget, lookAt } = shared(t)
  budget.resize('1MiB')
  t.equal(lookAt(9), 2 ** 20)
})

t.test('without a budget there is nothing to change', async t => {
  const workers = { first: 2, count: () => 3 }
  const share = new WorkerShare(recordingLogger(), workers)
  share.look()
  t.equal(share.chosen.bytes, chooseBudget(share.chosen.limit, share.chosen.residentBytes, 3).bytes)
})
