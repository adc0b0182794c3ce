import t from 'tap'
import { median, percentile, spreadOf } from '../statistics.ts'

t.test('a percentile is a value that was measured', async t => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  t.equal(percentile(hundred, 50), 50)
  t.equal(percentile(hundred, 99), 99)
  t.equal(percentile(hundred, 100), 100)
  t.equal(percentile([7], 1), 7)
  t.equal(percentile([1, 2], 99), 2)
  t.ok(Number.isNaN(percentile([], 50)))
})

t.test('the median is between the two in the middle', async t => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 3, 2]), 2.5)
  t.ok(Number.isNaN(median([])))
})

t.test('a spread keeps the ends', async t => {
  t.strictSame(spreadOf([3, 1, 2]), { median: 2, lowest: 1, highest: 3, count: 3 })
})
