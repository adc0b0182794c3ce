import t from 'tap'
import { countOption, sizeOption } from '../src/option-values.ts'

t.test('a size on the command line is what it is in code, and digits alone are bytes', async t => {
  t.strictSame(['64MiB', '1.5Gi', '64MB', '4096'].map(sizeOption), [2 ** 26, 1.5 * 2 ** 30, 64e6, 4096])
})

t.test('what is no size above 0 is refused with what one looks like', async t => {
  for (const text of ['', '0', '0MiB', '-1', '64mb', '64 MiB', '1e9', 'auto', '99999999999999999999']) {
    t.throws(() => sizeOption(text), { code: 'commander.invalidArgument', message: /512MiB/ }, text)
  }
})

t.test('a count is a whole number from 1', async t => {
  t.strictSame(['1', '007', '1000000'].map(countOption), [1, 7, 1_000_000])
  for (const text of ['', '0', '-1', '1.5', '1e3', '1000001', 'many']) {
    t.throws(() => countOption(text), { code: 'commander.invalidArgument', message: /whole number/ }, text)
  }
})
