import fc from 'fast-check'
import t from 'tap'
import { Measure } from '../src/measure.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const seed = randomSeed(t)

t.test('what was never measured is 0', async t => {
  const measure = new Measure()
  t.same([measure.count, measure.spread()], [0, { p50: 0, p99: 0, max: 0 }])
})

t.test('percentiles are off by a sixteenth at most, and the largest by nothing', async t => {
  const values = fc.array(fc.oneof(fc.constant(0), fc.nat(1000), fc.nat(2 ** 30)), {
    minLength: 1,
    maxLength: 300,
  })
  const property = fc.asyncProperty(values, async values => {
    const measure = new Measure()
    for (const value of values) measure.record(value)
    const sorted = values.toSorted((one, other) => one - other)
    const { p50, p99, max } = measure.spread()
    if (measure.count !== values.length) throw new Error(`${measure.count} of ${values.length}`)
    if (max !== sorted.at(-1)) throw new Error(`max ${max}`)
    for (const [percent, is] of [
      [50, p50],
      [99, p99],
    ] as const) {
      const should = sorted[Math.ceil((percent / 100) * sorted.length) - 1] as number
      if (Math.abs(is - should) > should / 16) throw new Error(`p${percent} ${is}, not ${should}`)
    }
  })
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 300)
})

t.test('what is larger than can be told apart is the largest', async t => {
  const measure = new Measure(0.01)
  measure.record(0.004)
  measure.record(1e300)
  t.same(measure.count, 2)
  t.ok(measure.spread().max > 1e12)
})
