import t from 'tap'
import { type RoutePolicy, resolvePolicy } from '../src/route-policy.ts'
import { anyValue } from './fixtures/any-value.ts'

const DEFAULTS = {
  cost: undefined,
  maxBody: undefined,
  body: 'buffer',
  requireLength: false,
  acceptEncoded: true,
  exempt: false,
  mode: undefined,
}

t.test('a policy that says nothing is the default', async t => {
  t.same(resolvePolicy({}), DEFAULTS)
})

t.test('sizes are resolved to bytes', async t => {
  t.same(resolvePolicy({ cost: '1kB', maxBody: '2KiB' }), { ...DEFAULTS, cost: 1000, maxBody: 2048 })
})

t.test('a cost function is kept as it is', async t => {
  const cost = (): number => 5
  t.equal(resolvePolicy({ cost }).cost, cost)
})

t.test('what a policy leaves out is that of its base', async t => {
  const base = resolvePolicy({
    cost: 1,
    maxBody: 2,
    body: 'stream',
    requireLength: true,
    acceptEncoded: false,
    exempt: true,
  })
  t.same(resolvePolicy({}, base), base)
  t.same(
    resolvePolicy(
      { cost: 0, maxBody: 0, body: 'buffer', requireLength: false, acceptEncoded: true, exempt: false },
      base,
    ),
    {
      cost: 0,
      maxBody: 0,
      body: 'buffer',
      requireLength: false,
      acceptEncoded: true,
      exempt: false,
      mode: undefined,
    },
  )
})

t.test('a cost is made for one way to read a body, and not inherited by the other', async t => {
  const base = resolvePolicy({ cost: 1, maxBody: 2 })
  t.match(resolvePolicy({ body: 'buffer' }, base), { cost: 1, maxBody: 2 })
  t.match(resolvePolicy({ body: 'stream' }, base), { cost: undefined, maxBody: 2 })
  t.match(resolvePolicy({ body: 'stream', cost: 3 }, base), { cost: 3 })
})

t.test('a policy that was resolved can no longer be changed', async t => {
  t.throws(() => Object.assign(resolvePolicy({}), { maxBody: 5 }), TypeError)
})

t.test('what is no policy is refused with the name of what is wrong', async t => {
  const refused = (policy: unknown, message: RegExp): void => {
    t.throws(() => resolvePolicy(anyValue(policy)), { code: 'ERR_PLIMSOLL_OPTION', message })
  }
  for (const bad of [null, 5, '1MiB', [], true, () => 5]) refused(bad, /^policy must be an object/)
  refused({ maxbody: 5 }, /^the key "maxbody" of policy must be one of cost, maxBody, body, requireLength/)
  refused({ budget: 5 }, /^the key "budget" of policy/)
  refused({ cost: '5' }, /^cost must be/)
  refused({ cost: null }, /^cost must be/)
  refused({ maxBody: Number.NaN }, /^maxBody must be/)
  refused({ maxBody: null }, /^maxBody must be/)
  refused({ body: 'stream ' }, /^body must be/)
  refused({ requireLength: 0 }, /^requireLength must be/)
  refused({ acceptEncoded: 'gzip' }, /^acceptEncoded must be/)
  refused({ exempt: 0 }, /^exempt must be/)
})

/** What a policy's cost answers for a body of this length. */
function costAt(policy: RoutePolicy, bodyBytes: number): number {
  const { cost } = resolvePolicy(policy)
  if (typeof cost !== 'object') throw new TypeError(`no cost by length but ${cost}`)
  return cost.ofLength(bodyBytes)
}

t.test('a cost by length is so much for each request, and so much for each byte of its body', async t => {
  const cost = { fixed: '64KiB', perByte: 2.5 }
  t.equal(costAt({ cost }, 0), 65536)
  t.equal(costAt({ cost }, 1000), 68036)
  t.equal(costAt({ cost }, 1), 65539, 'a part of a byte is one')
  t.equal(costAt({ cost: { fixed: 0, perByte: 0 } }, 1000), 0)
})

t.test('what responses cost is learned however the body is read', async t => {
  const base = resolvePolicy({ cost: 'auto' })
  t.equal(base.cost, 'auto')
  t.equal(resolvePolicy({ body: 'stream' }, base).cost, 'auto')
  t.equal(resolvePolicy({ body: 'stream', cost: 5 }, base).cost, 5)
  t.equal(resolvePolicy({ cost: 'auto' }, resolvePolicy({ cost: 5 })).cost, 'auto')
})

t.test('a mode of its own goes before that of the governor', async t => {
  const base = resolvePolicy({ mode: 'observe' })
  const later = (): 'observe' => 'observe'
  t.equal(base.mode, 'observe')
  t.equal(resolvePolicy({}, base).mode, 'observe')
  t.equal(resolvePolicy({ mode: 'enforce' }, base).mode, 'enforce')
  t.equal(resolvePolicy({ mode: later }).mode, later)
})

t.test('a mode or a cost by length that is none is refused with the name of what is wrong', async t => {
  const refused = (policy: unknown, message: RegExp): void => {
    t.throws(() => resolvePolicy(anyValue(policy)), { code: 'ERR_PLIMSOLL_OPTION', message })
  }
  refused({ mode: 'off' }, /^mode must be/)
  refused({ cost: 'Auto' }, /^cost must be/)
  refused({ cost: {} }, /^cost must be/)
  refused({ cost: { fixed: 1 } }, /^cost must be/)
  refused({ cost: { perByte: 1 } }, /^cost must be/)
  refused({ cost: [1, 2] }, /^cost must be/)
  refused({ cost: { fixed: 1, perByte: 1, perbyte: 2 } }, /^the key "perbyte" of cost must be/)
  refused({ cost: { fixed: -1, perByte: 1 } }, /^cost\.fixed must be/)
  refused({ cost: { fixed: '1', perByte: 1 } }, /^cost\.fixed must be/)
  for (const perByte of ['2', -1, Number.NaN, Number.POSITIVE_INFINITY, null])
    refused({ cost: { fixed: 1, perByte } }, /^cost\.perByte must be/)
})
