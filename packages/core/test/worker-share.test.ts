import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { FLOATING_BYTES, memoryLimit } from '../src/memory-limit.ts'
import { RETURNS_AFTER_MS, WorkerShare } from '../src/worker-share.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

/** The share of a worker that starts as one of four, its budget, and a look at so many of them. */
function oneOfFour(t: Test) {
  const clock = new FakeClock(t)
  const logger = recordingLogger()
  const workers = { name: `share-of-${t.name}-${process.pid}`, first: 4, now: 4, count: () => workers.now }
  const share = new WorkerShare(workers, logger)
  const budget = new ByteBudget({ capacity: share.chosen.bytes })
  share.govern(budget)
  const lookAt = (count: number): number => {
    workers.now = count
    share.look()
    return budget.capacity
  }
  const first = budget.capacity
  return { share, budget, first, lookAt, clock, logger }
}

t.test(
  'a worker has its part of the limit, beside itself, its part of the primary, and what its own heap lets float',
  async t => {
    const { share, first, logger } = oneOfFour(t)
    const { bytes, limit, residentBytes, roomBytes, because } = share.chosen
    t.equal(limit.bytes, Math.floor(memoryLimit().bytes / 4))
    t.ok(residentBytes < 1.25 * process.memoryUsage.rss(), 'the program is in memory once')
    t.equal(roomBytes, limit.bytes - residentBytes - FLOATING_BYTES)
    t.equal(bytes, Math.floor(roomBytes / 2))
    t.equal(first, bytes)
    t.match(because, /^as one of 4 workers, half of what the limit of/)
    t.same(logger.lines, [])
  },
)

t.test('of a container it is the part of what that leaves for all', async t => {
  const MIB = 2 ** 20
  const root = t.testdir({
    proc: { self: { cgroup: '0::/app\n', status: 'VmRSS:\t   90000 kB\nRssAnon:\t   40960 kB\n' } },
    sys: { fs: { cgroup: { app: { 'memory.max': `${1024 * MIB}\n` } } } },
  })
  const { chosen } = new WorkerShare({ name: 'four', first: 4, count: () => 4 }, recordingLogger(), root)
  t.match(chosen, {
    limit: { bytes: 256 * MIB, source: 'cgroup v2' },
    residentBytes: 50 * MIB,
    bytes: 71 * MIB,
    roomBytes: 142 * MIB,
    giantBytes: 4 * 71 * MIB,
  })
})

t.test('of a small part less floats, so that it takes a body of 16 MiB', async t => {
  const root = t.testdir({
    proc: { self: { cgroup: '0::/app\n', status: 'RssAnon:\t   20480 kB\n' } },
    sys: { fs: { cgroup: { app: { 'memory.max': `${512 * 2 ** 20}\n` } } } },
  })
  const share = new WorkerShare({ name: 'four', first: 4, count: () => 4 }, recordingLogger(), root)
  t.equal(share.count, 4)
  const { roomBytes, residentBytes, because } = share.chosen
  t.equal(roomBytes + residentBytes, (128 - 48) * 2 ** 20)
  t.match(because, /and 48 MiB that the garbage collector lets float$/)
  t.ok(roomBytes > 2.5 * 16 * 2 ** 20)
})

t.test('where nobody tells what is of this process alone, all that is resident counts', async t => {
  const workers = { name: undefined, first: 2, count: () => 2 }
  const { chosen } = new WorkerShare(workers, recordingLogger(), t.testdir({}))
  t.ok(chosen.residentBytes >= process.memoryUsage.rss(), 'and a primary as large')
  t.equal(chosen.giantBytes, 0, 'and there is no turn')
})

t.test('it has less as soon as there are more of them, and what is larger can never fit', async t => {
  const { share, budget, first, lookAt, logger } = oneOfFour(t)
  t.equal(lookAt(4), first)
  const fifth = lookAt(5)
  t.ok(fifth > 0 && fifth < first, `${fifth} of ${first}`)
  t.equal(share.chosen.bytes, fifth)
  t.equal(budget.configuredCapacity, fifth)
  t.same(
    logger.lines.map(({ level, details }) => ({ level, details })),
    [{ level: 'info', details: { budget: fifth, workers: 5 } }],
  )
})

t.test('the part of one that ended comes to the others after a second, unless a successor comes', async t => {
  const { budget, first, lookAt, clock } = oneOfFour(t)
  t.equal(lookAt(3), first)
  clock.tick(RETURNS_AFTER_MS - 1)
  t.equal(lookAt(3), first)
  t.equal(lookAt(4), first, 'a successor')
  clock.tick(RETURNS_AFTER_MS)
  t.equal(lookAt(3), first, 'the second counts from when it went')
  clock.tick(RETURNS_AFTER_MS)
  const third = lookAt(3)
  t.ok(third > first, `${third}, not ${first}`)
  t.equal(budget.configuredCapacity, third)
  t.equal(lookAt(4), first, 'and goes at once')
})

t.test('what comes back lets in who waits', async t => {
  const { budget, first, lookAt, clock } = oneOfFour(t)
  budget.tryAcquire(first)
  const waiting = budget.acquire(1)
  lookAt(1)
  clock.tick(RETURNS_AFTER_MS)
  lookAt(1)
  t.equal((await waiting).bytes, 1)
})

t.test(
  'what costs more than its part is let in with the turn of all workers, and nobody else then',
  async t => {
    const [one, other] = [oneOfFour(t), oneOfFour(t)]
    const { giantBytes } = one.share.chosen
    t.equal(one.budget.largest, giantBytes)
    const first = one.budget.acquire(2 * one.first)
    const second = other.budget.acquire(2 * other.first)
    one.lookAt(4)
    other.lookAt(4)
    t.match(one.budget, { capacity: one.first, reserved: 0, giants: 2 * one.first })
    t.equal(other.budget.waiting, 1)
    ;(await first).release()
    one.share.rest()
    other.lookAt(4)
    ;(await second).release()
    other.share.rest()
    t.equal(one.lookAt(5), one.share.chosen.bytes)
    t.equal(one.budget.largest, one.share.chosen.giantBytes)
    await t.rejects(one.budget.acquire(2 * giantBytes), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
  },
)

t.test('a budget that its user has resized is left alone', async t => {
  const { budget, lookAt } = oneOfFour(t)
  budget.resize('1MiB')
  t.equal(lookAt(9), 2 ** 20)
  t.equal(budget.largest, budget.configuredCapacity, 'and has no giants')
})
