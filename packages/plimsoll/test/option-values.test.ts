import t from 'tap'
import { countOption, serverOption, sizeOption } from '../src/option-values.ts'

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

t.test('servers are gathered, each with its port, some with that of an agent', async t => {
  t.strictSame(
    ['store-0.store:3000:9000', '10.0.0.1:80', '[fd00::1]:3000'].reduce<ReturnType<typeof serverOption>>(
      (before, text) => serverOption(text, before),
      [],
    ),
    [
      { host: 'store-0.store', port: 3000, agentPort: 9000 },
      { host: '10.0.0.1', port: 80 },
      { host: 'fd00::1', port: 3000 },
    ],
  )
  for (const text of ['', 'a', ':80', 'a:b', 'a:80:', 'fd00::1:3000', '[]:80', 'a:80:90:1']) {
    t.throws(() => serverOption(text), { code: 'commander.invalidArgument', message: /store-0:3000/ }, text)
  }
})
