import t from 'tap'
import { type ByteSize, parseByteSize } from '../src/byte-size.ts'
import { anyValue } from './fixtures/any-value.ts'

t.test('a size is a whole number of bytes or digits with a unit', async t => {
  const sizes: [ByteSize, number][] = [
    [0, 0],
    [65_536, 65_536],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['0B', 0],
    ['512B', 512],
    ['64KiB', 64 * 1024],
    ['64MiB', 64 * 1024 ** 2],
    ['2GiB', 2 * 1024 ** 3],
    ['1TiB', 1024 ** 4],
    ['64Ki', 64 * 1024],
    ['64Mi', 64 * 1024 ** 2],
    ['2Gi', 2 * 1024 ** 3],
    ['1Ti', 1024 ** 4],
    ['64kB', 64_000],
    ['64MB', 64_000_000],
    ['2GB', 2_000_000_000],
    ['1TB', 1_000_000_000_000],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['0.5kB', 500],
    ['007MiB', 7 * 1024 ** 2],
  ]
  for (const [size, bytes] of sizes) t.equal(parseByteSize(size), bytes, String(size))
})

t.test('a fraction of a byte is rounded to the nearest one', async t => {
  t.equal(parseByteSize('0.3KiB'), 307)
  t.equal(parseByteSize('0.4B'), 0)
  t.equal(parseByteSize('0.6B'), 1)
})

t.test('anything else is refused, with the name of the option and the value', async t => {
  const bad: unknown[] = [
    Number.NaN,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.MAX_SAFE_INTEGER + 1,
    5n,
    '',
    '64',
    'MiB',
    '64mb',
    '64mib',
    '64KB',
    '64Kb',
    '64M',
    '64k',
    '64b',
    '1e3B',
    '0x10B',
    '1_000B',
    '1,5MB',
    '.5MB',
    '5.MB',
    '1.2.3MB',
    '-1MB',
    '+1MB',
    ' 64MB',
    '64MB ',
    '64 MB',
    '64MB\n',
    'NaNMB',
    'InfinityB',
    '9007199254740993B',
    '9999999TiB',
    `${'9'.repeat(400)}B`,
    null,
    undefined,
    true,
    {},
    [],
    ['64MB'],
    { valueOf: () => 5 },
    () => 5,
    Symbol('64MB'),
    new Date(0),
  ]
  for (const value of bad) {
    t.throws(
      () => parseByteSize(anyValue(value), 'maxBody'),
      { code: 'ERR_PLIMSOLL_OPTION', message: /^maxBody must be a whole number of bytes or a string/ },
      typeof value === 'string' ? JSON.stringify(value).slice(0, 40) : String(typeof value),
    )
  }
  t.throws(() => parseByteSize(''), { message: /^size must be .*, got ''$/ }, 'without a name it is "size"')
})
