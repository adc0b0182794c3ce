import t from 'tap'
import { resolveShared, type SharedOptions } from '../src/shared-limiter.ts'
import { anyValue } from './fixtures/any-value.ts'

t.test('who gives the same name has the same limiter', async t => {
  const one = resolveShared({ name: 'one', concurrency: 2 })
  t.equal(resolveShared({ name: 'one', concurrency: 2 }), one)
  t.not(resolveShared({ name: 'other', concurrency: 2 }), one)
  t.match(one, { concurrency: 2, most: 1002 })
})

t.test('a name has one limit', async t => {
  resolveShared({ name: 'fixed', concurrency: 2, queueLimit: 3 })
  for (const figures of [
    { concurrency: 3, queueLimit: 2 },
    { concurrency: 2, queueLimit: 4 },
    { concurrency: 2 },
  ])
    t.throws(() => resolveShared({ name: 'fixed', ...figures }), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^shared of the name "fixed" must be the same everywhere/,
    })
})

t.test('options that are wrong are named', async t => {
  const wrong: [unknown, RegExp][] = [
    [null, /^shared must/],
    [{ name: 'a', concurrency: 1, limit: 1 }, /"limit" of shared/],
    [{ concurrency: 1 }, /^shared\.name/],
    [{ name: '', concurrency: 1 }, /^shared\.name/],
    [{ name: 'a' }, /^shared\.concurrency/],
    [{ name: 'a', concurrency: 0 }, /^shared\.concurrency/],
    [{ name: 'a', concurrency: 1, queueLimit: -1 }, /^shared\.queueLimit/],
  ]
  for (const [options, message] of wrong)
    t.throws(() => resolveShared(anyValue<SharedOptions>(options)), { code: 'ERR_PLIMSOLL_OPTION', message })
})

t.test('names that are made up have an end', async t => {
  const made = (): void => {
    for (let n = 0; n < 1001; n++) resolveShared({ name: `name ${n}`, concurrency: 1 })
  }
  t.throws(made, { code: 'ERR_PLIMSOLL_OPTION', message: /^shared\.name must be one of 1000 at most/ })
})
