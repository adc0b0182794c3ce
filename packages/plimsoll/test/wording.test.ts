import { parseByteSize } from '@plimsoll/core'
import t from 'tap'
import { confidence, count, counted, duration, printable, size } from '../src/wording.ts'

t.test('a size has three digits or four, and reads as about the same', async t => {
  const some = [0, 1023, 1025, 64 * 1024, 2 ** 20 + 2 ** 18, 12.34 * 2 ** 20, 2 ** 52]
  t.strictSame(
    some.map(bytes => size(bytes)),
    ['0B', '1023B', '1KiB', '64KiB', '1.25MiB', '12.3MiB', '4096TiB'],
  )
  for (let bytes = 1; bytes < 2 ** 52; bytes = Math.ceil(bytes * 1.37)) {
    const read = parseByteSize(size(bytes))
    t.ok(Math.abs(read - bytes) <= bytes * 0.006, `${bytes} as ${size(bytes)}`)
    t.ok(parseByteSize(size(bytes, Math.ceil)) >= bytes && parseByteSize(size(bytes, Math.floor)) <= bytes)
    t.match(size(bytes), /^\d{1,4}(\.\d{1,2})?[KMGT]?i?B$/)
  }
})

t.test('a time is in the unit that it is of', async t => {
  const times = [0.04, 0.26, 9.96, 99.6, 1000, 1449, 119_000, 120_000, 7_199_000, 7_200_000, 86_400_000]
  t.strictSame(times.map(duration), [
    '0ms',
    '0.3ms',
    '10ms',
    '100ms',
    '1s',
    '1.4s',
    '119s',
    '2min',
    '120min',
    '2h',
    '24h',
  ])
})

t.test('one of a kind is not many', async t => {
  t.strictSame(
    [counted(1, 'pod'), counted(2, 'pod'), counted(0, 'process', 'processes')],
    ['1 pod', '2 pods', '0 processes'],
  )
  t.equal(count(1234567), '1,234,567')
})

t.test('what is not certain is never called so', async t => {
  t.equal(confidence(0.99999), 'all but certain (99 %)')
  const words = [0.96, 0.8, 0.5, 0.1].map(confidence)
  t.strictSame(words, ['sure (96 %)', 'likely (80 %)', 'unsure (50 %)', 'a guess (10 %)'])
})

t.test('letters of all languages are printable, and nothing that a terminal obeys', async t => {
  t.equal(printable('GET /größe/日本語'), 'GET /größe/日本語')
  t.equal(printable('a\u0007\u009b\r\n\u202e\u2029z'), 'a??????z')
})
