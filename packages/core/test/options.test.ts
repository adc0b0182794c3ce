import t from 'tap'
import { checkDuration, checkOptions, resolveQueueOptions } from '../src/options.ts'
import { anyValue } from './fixtures/any-value.ts'

const DEFAULTS = { limit: 1000, timeoutMs: 30_000, lane: 0, passBytes: 0 }

t.test('a queue has bounds unless others are given', async t => {
  t.same(resolveQueueOptions(), DEFAULTS)
  t.same(resolveQueueOptions({}), DEFAULTS)
  t.same(resolveQueueOptions({ limit: 3 }), { ...DEFAULTS, limit: 3 })
  t.same(resolveQueueOptions({ timeoutMs: 5 }), { ...DEFAULTS, timeoutMs: 5 })
  t.same(resolveQueueOptions({ lane: '64KiB' }), { ...DEFAULTS, lane: 65_536 })
  t.same(resolveQueueOptions({ passBytes: '1MiB' }), { ...DEFAULTS, passBytes: 2 ** 20 })
})

t.test('0 is a bound, not "off"', async t => {
  const none = { limit: 0, timeoutMs: 0, lane: 0, passBytes: 0 }
  t.same(resolveQueueOptions(none), none)
})

t.test('what was resolved can no longer be changed', async t => {
  const given = { limit: 3, timeoutMs: 5 }
  const resolved = resolveQueueOptions(given)
  given.limit = 9
  t.equal(resolved.limit, 3)
  t.throws(() => Object.assign(resolved, { limit: 9 }), TypeError)
})

t.test('a bound of any other type is refused with its name', async t => {
  for (const value of [
    Number.NaN,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '5',
    '1s',
    null,
    true,
    {},
    [],
    5n,
  ]) {
    t.throws(
      () => resolveQueueOptions({ limit: anyValue(value) }),
      { code: 'ERR_PLIMSOLL_OPTION', message: /^queue\.limit must be a whole number from 0 to / },
      `limit ${typeof value}`,
    )
    t.throws(
      () => resolveQueueOptions({ timeoutMs: anyValue(value) }),
      {
        code: 'ERR_PLIMSOLL_OPTION',
        message: /^queue\.timeoutMs must be a whole number from 0 to 2147483647, got /,
      },
      `timeoutMs ${typeof value}`,
    )
  }
})

t.test('a size of any other form is refused with its name', async t => {
  for (const value of [
    Number.NaN,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
    '5',
    '1mb',
    '',
    null,
    true,
    {},
    [],
    5n,
  ]) {
    for (const name of ['lane', 'passBytes']) {
      t.throws(
        () => resolveQueueOptions({ [name]: anyValue(value) }),
        { code: 'ERR_PLIMSOLL_OPTION', message: new RegExp(`^queue\\.${name} must be`) },
        `${name} ${typeof value}`,
      )
    }
  }
})

t.test('a duration that a timer of Node would take for 1 ms is refused', async t => {
  t.equal(checkDuration(2 ** 31 - 1, 'timeoutMs'), 2 ** 31 - 1)
  t.throws(() => checkDuration(2 ** 31, 'timeoutMs'), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /^timeoutMs must be/,
  })
})

t.test('options are one object of known keys', async t => {
  t.doesNotThrow(() => checkOptions({}, ['a'], 'options'))
  t.doesNotThrow(() => checkOptions({ a: 1, b: undefined }, ['a', 'b'], 'options'))
  t.throws(() => checkOptions({ a: 1, B: 2 }, ['a', 'b'], 'options'), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /^the key "B" of options must be one of a, b/,
  })
  for (const value of [null, undefined, 5, 'text', true, [], () => {}]) {
    t.throws(() => checkOptions(value, ['a'], 'queue'), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^queue must be an object/,
    })
  }
})
