import t from 'tap'
import { SIZES, sizes } from '../pods/load/sizes.ts'
import type { MixedResult, MixedRun } from '../pods/mixed.ts'
import { mixedTable } from '../pods/mixed-table.ts'

t.test('sizes are the same for a seed, and as often as they say', async t => {
  t.equal(
    SIZES.reduce((sum, { percent }) => sum + percent, 0),
    100,
  )
  const first = (seed: number): number[] => {
    const size = sizes(seed)
    return Array.from({ length: 10_000 }, () => size.next().value)
  }
  const drawn = first(1)
  t.same(drawn, first(1))
  t.notSame(drawn, first(2))
  for (const { bytes, percent } of SIZES) {
    const found = drawn.filter(one => one === bytes).length / 100
    t.ok(Math.abs(found - percent) < 2, `${found} of 100 have ${bytes} bytes`)
  }
})

t.test('only those who answered everybody within their limit are compared with', async t => {
  const result = (
    contender: string,
    p99Ms: number,
    megabytesPerSecond: number,
    answered = 100,
    peak = 2 ** 27,
  ): MixedResult => ({
    contender,
    cage: { kind: 'cgroup v2', limitBytes: 2 ** 28 },
    requests: 100,
    answered,
    byStatus: { 201: answered },
    seconds: 1,
    megabytesPerSecond,
    small: { p50Ms: 1, p99Ms },
    large: { p50Ms: 1, p99Ms: 10 },
    peakBytes: [1, peak],
    podsKilled: 0,
  })
  const run: MixedRun = {
    measuredAt: '2026-11-21T00:00:00Z',
    machine: { node: 'v20', system: 'linux', cores: 2, processor: 'any', memoryBytes: 1 },
    haproxy: '2.6',
    clients: 8,
    results: [
      result('maxconn 4', 400, 100),
      result('maxconn 40', 100, 500, 99),
      result('maxconn 10', 100, 500, 100, 2 ** 28 + 1),
      result('Plimsoll', 200, 90),
      result('maxconn 4', 500, 110),
      result('maxconn 40', 100, 500),
      result('Plimsoll', 250, 120),
    ],
  }
  const table = mixedTable(run)
  t.match(table, '| maxconn 40 | 100 (99 to 100) of 100 |')
  t.match(table, 'p99 of small requests 2.0 times better, throughput 1.00 of it.')
})
