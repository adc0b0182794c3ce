import t from 'tap'
import { requestedRange } from '../../src/s3/byte-range.ts'

t.test('a single range of bytes is cut to what there is', async t => {
  t.same(requestedRange('bytes=0-0', 10), { start: 0, end: 1 })
  t.same(requestedRange('bytes=2-5', 10), { start: 2, end: 6 })
  t.same(requestedRange('bytes=9-', 10), { start: 9, end: 10 })
  t.same(requestedRange('bytes=5-99', 10), { start: 5, end: 10 })
  t.same(requestedRange('bytes=-3', 10), { start: 7, end: 10 })
  t.same(
    requestedRange('bytes=-99', 10),
    { start: 0, end: 10 },
    'a suffix longer than the object is all of it',
  )
})

t.test('what is no single range of bytes is ignored', async t => {
  for (const header of [
    undefined,
    '',
    'bytes',
    'bytes=-',
    'bytes=5-2',
    'bytes=0-1,3-4',
    'lines=1-2',
    'bytes=a-b',
  ]) {
    t.equal(requestedRange(header, 10), undefined, String(header))
  }
})

t.test('a range without a byte in it is refused, and told how long the object is', async t => {
  for (const [header, bytes] of [
    ['bytes=10-', 10],
    ['bytes=10-20', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=-5', 0],
  ] as const) {
    const refusal = {
      code: 'InvalidRange',
      statusCode: 416,
      headers: { 'content-range': `bytes */${bytes}` },
    }
    t.throws(() => requestedRange(header, bytes), refusal, `${header} of ${bytes}`)
  }
})
