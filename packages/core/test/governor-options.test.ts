import { inspect } from 'node:util'
import t from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { Governor } from '../src/governor.ts'
import { type GovernorOptions, resolveGovernorOptions } from '../src/governor-options.ts'
import { anyValue } from './fixtures/any-value.ts'
import { recordingLogger, silent } from './fixtures/recording-logger.ts'

const BAD_SIZES = [Number.NaN, -1, 1.5, '', '64', '64mb', null, {}, [], true, Number.POSITIVE_INFINITY]

function refused(name: string, options: Record<string, unknown>, message: RegExp): void {
  t.test(`${name} is refused when the server starts`, async t => {
    t.throws(() => new Governor(anyValue<GovernorOptions>(options)), { code: 'ERR_PLIMSOLL_OPTION', message })
  })
}

for (const bad of BAD_SIZES) {
  refused(`budget ${inspect(bad)}`, { budget: bad }, /^budget must be/)
  refused(`maxBody ${inspect(bad)}`, { maxBody: bad }, /^maxBody must be/)
  refused(`cost ${inspect(bad)}`, { cost: bad }, /^cost must be/)
}
for (const bad of [Number.NaN, -1, 1.5, '5', null, {}, 2 ** 60]) {
  refused(`queue.limit ${inspect(bad)}`, { queue: { limit: bad } }, /^queue\.limit must be/)
  refused(`connections ${inspect(bad)}`, { connections: bad }, /^connections must be a whole number from 1/)
  refused(`queue.timeoutMs ${inspect(bad)}`, { queue: { timeoutMs: bad } }, /^queue\.timeoutMs must be/)
}
for (const bad of [Number.NaN, 0, -1, 1.5, '5', null, {}, 2 ** 31])
  refused(`deadlineMs ${inspect(bad)}`, { deadlineMs: bad }, /^deadlineMs must be a whole number from 1/)
for (const bad of [null, 5, '', 'two words', 'a:b', {}])
  refused(`deadlineHeader ${inspect(bad)}`, { deadlineHeader: bad }, /^deadlineHeader must be the name of a/)
for (const bad of BAD_SIZES) {
  refused(`queue.lane ${inspect(bad)}`, { queue: { lane: bad } }, /^queue\.lane must be/)
  refused(`queue.passBytes ${inspect(bad)}`, { queue: { passBytes: bad } }, /^queue\.passBytes must be/)
}
for (const bad of [undefined, null, 5, 'ip', {}, []])
  refused(`share.key ${inspect(bad)}`, { share: { key: bad } }, /^share\.key must be "address" or a function/)
for (const bad of [0, -0.1, 1.01, Number.NaN, '0.5', null, {}, Number.POSITIVE_INFINITY]) {
  refused(
    `share.of ${inspect(bad)}`,
    { share: { key: 'address', of: bad } },
    /^share\.of must be a number above 0, at most 1/,
  )
}
for (const bad of [null, 'drop', true, 5]) {
  refused(
    `share.over ${inspect(bad)}`,
    { share: { key: 'address', over: bad } },
    /^share\.over must be "wait" or "refuse"/,
  )
}
for (const bad of [null, 5, 'address', []])
  refused(`share ${inspect(bad)}`, { share: bad }, /^share must be an object/)
refused(
  'an unknown key of a share',
  { share: { key: 'address', off: 1 } },
  /^the key "off" of share must be one of key, of, over/,
)
for (const bad of [null, 5, 'none', []])
  refused(`queue ${inspect(bad)}`, { queue: bad }, /^queue must be an object/)
for (const bad of [null, true, '/health', {}, /x/]) {
  refused(`exempt ${inspect(bad)}`, { exempt: bad }, /^exempt must be a function/)
}
for (const bad of [null, 1, 'auto', {}])
  refused(`valve ${inspect(bad)}`, { valve: bad }, /^valve must be true or false/)
for (const bad of [null, 5, 'console', {}, { info() {}, warn() {} }, { info: 1, warn: 1, error: 1 }]) {
  refused(`logger ${inspect(bad)}`, { logger: bad }, /^logger must be an object with info, warn and error/)
}
for (const bad of [null, 'streaming', true, 5])
  refused(`body ${inspect(bad)}`, { body: bad }, /^body must be "buffer" or/)
for (const bad of [null, 'yes', 1]) {
  refused(`requireLength ${inspect(bad)}`, { requireLength: bad }, /^requireLength must be true or false/)
}
refused('an unknown key', { maxbody: 5 }, /^the key "maxbody" of options must be one of budget, queue/)
refused(
  'a queue beside a budget that has its own',
  { budget: new ByteBudget({ capacity: 5 }), queue: {} },
  /^queue must be left out with a ByteBudget/,
)

for (const bad of [null, 5, 'auto', [], true]) {
  t.test(`options that are ${inspect(bad)} are refused`, async t => {
    t.throws(() => new Governor(anyValue(bad)), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^options must be an object/,
    })
  })
}

t.test('there is a valve where the budget is chosen, or where it is asked for', async t => {
  const hasValve = (options: GovernorOptions): boolean =>
    new Governor({ logger: silent, ...options }).budget.looks?.valve !== undefined
  t.ok(hasValve({}))
  t.ok(hasValve({ budget: 'auto' }))
  t.notOk(hasValve({ budget: 'auto', valve: false }))
  t.notOk(hasValve({ budget: '64MiB' }))
  t.ok(hasValve({ budget: '64MiB', valve: true }))
  const budget = new ByteBudget({ capacity: 5 })
  t.notOk(hasValve({ budget }))
  t.ok(hasValve({ budget, valve: true }))
  const valve = budget.looks?.valve
  t.ok(hasValve({ budget, valve: true }))
  t.equal(budget.looks?.valve, valve, 'one for all who share it')
})

t.test('a budget may be a size, or one of one’s own', async t => {
  t.equal(new Governor({ budget: '64MiB', logger: silent }).budget.capacity, 64 * 2 ** 20)
  t.equal(new Governor({ budget: 0, logger: silent }).budget.capacity, 0)
  const own = new ByteBudget({ capacity: 5 })
  t.equal(new Governor({ budget: own, logger: silent }).budget, own)
})

t.test('a budget of another copy of this package is one of one’s own', async t => {
  const foreign = anyValue<ByteBudget>({ tryAcquire() {}, capacity: 5 })
  t.equal(resolveGovernorOptions({ budget: foreign }).budget, foreign)
})

t.test('bounds of the queue are the budget’s', async t => {
  t.same(new Governor({ budget: 5, logger: silent }).budget.queue, {
    limit: 1000,
    timeoutMs: 30_000,
    lane: 0,
    passBytes: 5,
  })
  const queue = { limit: 3, timeoutMs: 50, lane: 4, passBytes: 9 }
  t.same(new Governor({ budget: 5, queue, logger: silent }).budget.queue, queue)
  t.same(new Governor({ queue, logger: silent }).budget.queue, queue)
  const { queue: chosen, capacity } = new Governor({ logger: silent }).budget
  const carried = Math.ceil(capacity / (256 * 1024))
  t.equal(chosen.limit, Math.min(1000, carried), 'as many as the rest of the container carries')
})

t.test('a governor’s own budget has a lane, unless that would be much of it', async t => {
  const laneOf = (budget: number): number => {
    const { lane, queue } = new Governor({ budget, logger: silent }).budget
    t.match(lane, { capacity: queue.lane, reserved: 0 })
    t.equal(queue.passBytes, budget, 'and as much as it holds may pass a waiter')
    return lane.capacity
  }
  const MiB = 2 ** 20
  t.equal(laneOf(0), 0)
  t.equal(laneOf(4 * MiB - 1), 0)
  t.equal(laneOf(4 * MiB), MiB / 4)
  t.equal(laneOf(64 * MiB), MiB / 4)
  t.equal(laneOf(256 * MiB), MiB)
  t.equal(laneOf(256 * MiB - 1), MiB - 1)
  t.equal(laneOf(1024 * MiB), 4 * MiB)
})

t.test('a budget of one’s own has no lane, and is strict, unless it says so', async t => {
  const budget = new ByteBudget({ capacity: '64MiB' })
  t.same(new Governor({ budget, logger: silent }).budget.queue, {
    limit: 1000,
    timeoutMs: 30_000,
    lane: 0,
    passBytes: 0,
  })
})

for (const options of [{}, { budget: 'auto' as const }]) {
  t.test(`with ${inspect(options)} the budget is chosen, and said once`, async t => {
    const logger = recordingLogger()
    const { budget } = new Governor({ ...options, logger })
    t.ok(budget.capacity > 0)
    t.match(logger.lines, [
      {
        level: 'info',
        details: { budget: budget.capacity, limit: Number, source: String, rss: Number },
        message: /^plimsoll chose a budget of \d+ MiB/,
      },
    ])
    t.equal(logger.lines.length, 1)
  })
}

t.test('a budget that was given is not commented on', async t => {
  const logger = recordingLogger()
  new Governor({ budget: 5, logger })
  t.same(logger.lines, [])
})

t.test('without options there is a governor', async t => {
  t.ok(new Governor().budget.capacity > 0)
})

t.test('options are resolved when the server starts, and changing them later changes nothing', async t => {
  const options = { budget: 5, maxBody: 3, logger: silent }
  const resolved = resolveGovernorOptions(options)
  options.maxBody = 9
  t.equal(resolved.policy.maxBody, 3)
  t.throws(() => Object.assign(resolved, { exempt: () => true }), TypeError)
})

t.test('what one may cost alone is what the container bears, or a budget of its own', async t => {
  t.equal(resolveGovernorOptions({ budget: 100, logger: silent }).alone, 100)
  const { alone, budget } = resolveGovernorOptions({ logger: silent })
  t.ok(alone > budget.capacity)
})
