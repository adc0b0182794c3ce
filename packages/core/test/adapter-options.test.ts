import { join } from 'node:path'
import t from 'tap'
import { type AdapterOptions, governorOf } from '../src/adapter-options.ts'
import { ByteBudget } from '../src/byte-budget.ts'
import { Governor } from '../src/governor.ts'
import { GOVERNOR_KEYS } from '../src/governor-options.ts'
import { anyValue } from './fixtures/any-value.ts'
import { recordingLogger, silent } from './fixtures/recording-logger.ts'

t.test('options without a governor make a new one', async t => {
  const exempt = (): boolean => false
  const { governor, policy, shared } = governorOf({
    budget: '1MiB',
    queue: { limit: 3 },
    exempt,
    logger: silent,
    maxBody: 5,
    cost: 7,
    body: 'stream',
    requireLength: true,
  })
  t.ok(governor instanceof Governor)
  t.equal(shared, false)
  t.match(governor.budget, { capacity: 2 ** 20, queue: { limit: 3 } })
  t.same(policy, { maxBody: 5, cost: 7, body: 'stream', requireLength: true })
})

t.test('each time another', async t => {
  const options = { budget: 100, logger: silent }
  t.not(governorOf(options).governor, governorOf(options).governor)
})

t.test('a governor of one\u2019s own is shared, and the rest is the policy', async t => {
  const governor = new Governor({ budget: new ByteBudget({ capacity: 10 }), logger: silent })
  t.same(governorOf({ governor, maxBody: '1MiB' }), { governor, policy: { maxBody: '1MiB' }, shared: true })
  t.same(governorOf({ governor }), { governor, policy: {}, shared: true })
})

t.test('a governor from another copy of the package is one', async t => {
  const foreign = anyValue<Governor>({ admit: () => {} })
  t.equal(governorOf({ governor: foreign }).governor, foreign)
})

t.test('a new governor logs where the adapter does, unless the options say', async t => {
  const [own, adapters] = [recordingLogger(), recordingLogger()]
  governorOf({ budget: 'auto' }, adapters)
  t.equal(adapters.lines.length, 1)
  governorOf({ budget: 'auto', logger: own }, adapters)
  t.equal(own.lines.length, 1)
  t.equal(adapters.lines.length, 1)
  const { governor } = governorOf({ budget: 100 })
  t.equal(governor.budget.capacity, 100)
})

t.test('options that are wrong, or exclude each other, are named', async t => {
  const governor = new Governor({ budget: 10, logger: silent })
  for (const [options, message] of [
    [undefined, /^options must be an object/],
    [[], /^options must be an object/],
    ['64MiB', /^options must be an object/],
    [{ bugdet: 1 }, /"bugdet"/],
    [{ budget: -1 }, /^budget must be/],
    [{ maxBody: 'large' }, /^maxBody must be/],
    [{ governor: undefined }, /^governor must be a Governor/],
    [{ governor: null }, /^governor must be a Governor/],
    [{ governor: {} }, /^governor must be a Governor/],
    [{ governor, budget: 10 }, /"budget"/],
    [{ governor, queue: {} }, /"queue"/],
    [{ governor, logger: silent }, /"logger"/],
    [{ governor, maxBody: 'large' }, /^maxBody must be/],
    [{ governor, exempt: () => true }, /^exempt must be/],
  ] as const) {
    t.throws(() => governorOf(anyValue<AdapterOptions>(options)), { code: 'ERR_PLIMSOLL_OPTION', message })
  }
})

t.test('who mistypes an option is told all that there are', async t => {
  const mistyped = (options: object) => () => governorOf(anyValue(options), silent, ['refusals'])
  t.throws(mistyped({ refusal: 'next' }), {
    message: /"refusal" of options .* one of governor, refusals, budget,/,
  })
  const governor = new Governor({ budget: 1, logger: silent })
  t.throws(mistyped({ governor, refusal: 'next' }), { message: /one of governor, refusals, cost,/ })
})

t.test('of all that a governor’s options say, the policy has what is one', async t => {
  const policy = {
    cost: 5,
    maxBody: 6,
    body: 'stream',
    requireLength: true,
    acceptEncoded: false,
    deadlineMs: 8,
  } as const
  const own = {
    budget: '1MiB',
    queue: { limit: 3 },
    exempt: () => false,
    share: { key: 'address' },
    connections: 7,
    valve: true,
    health: {},
    recorder: join(t.testdir(), 'flight'),
    mode: 'observe',
    deadlineHeader: 'x-remaining-ms',
    logger: silent,
  } as const
  t.same(Object.keys({ ...own, ...policy }).toSorted(), GOVERNOR_KEYS.toSorted(), 'all of them')
  const made = governorOf({ ...own, ...policy })
  t.same(made.policy, policy)
  await made.governor.close()
})
