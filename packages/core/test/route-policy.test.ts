import t from 'tap'
import { resolvePolicy } from '../src/route-policy.ts'
import { anyValue } from './fixtures/any-value.ts'

const DEFAULTS = {
  cost: undefined,
  maxBody: undefined,
  body: 'buffer',
  requireLength: false,
  acceptEncoded: true,
  exempt: false,
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
