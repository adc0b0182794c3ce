import { inspect } from 'node:util'
import { Governor } from '@plimsoll/core'
import t from 'tap'
import { frontProxyValues, type LimitOptions, limitsOf } from '../src/index.ts'

const given: LimitOptions = { budget: '64MiB', requestSize: '4MiB' }

t.test('as many at once as the budget holds, the small ones beside them', async t => {
  t.same(limitsOf(given), {
    maxConnPerPod: 16,
    maxConnSmallPerPod: 64,
    smallBytes: 65536,
    queueTimeoutMs: 30_000,
    serverTimeoutMs: 90_000,
  })
})

t.test('small is what takes the lane of such a governor', async t => {
  for (const budget of ['1MiB', '64MiB', '300MiB', '1GiB']) {
    const { smallBytes } = limitsOf({ ...given, budget })
    const governor = new Governor({ budget })
    const isSmall = (bytes: number): boolean => governor.budget.isSmall(bytes)
    t.strictSame([isSmall(smallBytes), isSmall(smallBytes + 1)], [smallBytes > 0, false], budget)
  }
})

t.test('several proxies have a part each, and at least one', async t => {
  t.match(limitsOf({ ...given, proxies: 3 }), { maxConnPerPod: 6, maxConnSmallPerPod: 22 })
  t.match(limitsOf({ ...given, proxies: 1000 }), { maxConnPerPod: 1, maxConnSmallPerPod: 1 })
  t.match(limitsOf({ ...given, workers: 4 }), { maxConnPerPod: 64, maxConnSmallPerPod: 256 })
})

t.test('where its CPU is full with fewer, a process gets no more', async t => {
  t.match(limitsOf({ ...given, concurrency: 3 }), { maxConnPerPod: 3, maxConnSmallPerPod: 64 })
  t.match(limitsOf({ ...given, concurrency: 3, workers: 2, proxies: 2 }), { maxConnPerPod: 3 })
  t.match(limitsOf({ ...given, concurrency: 17 }), { maxConnPerPod: 16 })
})

t.test('what the governor is told otherwise can be told here', async t => {
  t.match(
    limitsOf({ ...given, requestSize: 100, largestRequest: '16MiB', queueLimit: 100, connections: 90 }),
    {
      maxConnPerPod: 90,
      maxConnSmallPerPod: 25,
    },
  )
  t.match(limitsOf({ ...given, queueLimit: 0, smallRequest: '1KiB' }), {
    maxConnSmallPerPod: 1,
    smallBytes: 1024,
  })
  t.match(limitsOf({ ...given, queueTimeoutMs: 2 ** 31 - 1 }), { serverTimeoutMs: 2 ** 31 - 1 })
})

t.test('values are shaped as charts have them', async t => {
  t.same(frontProxyValues({ ...given, queueTimeoutMs: 500 }), {
    frontproxy: {
      maxConnPerPod: 16,
      maxConnSmallPerPod: 64,
      smallRequestBytes: 65536,
      timeouts: { queue: '500ms', server: '60500ms' },
    },
  })
  t.throws(() => frontProxyValues({ ...given, servers: [] } as LimitOptions), { code: 'ERR_PLIMSOLL_OPTION' })
})

for (const [options, message] of [
  [{ budget: 0 }, /^budget must be more than 0 bytes/],
  [{ budget: '64mb' }, /^budget must be a whole number of bytes/],
  [{ requestSize: 0 }, /^requestSize must be more than 0/],
  [{ requestSize: undefined }, /^requestSize/],
  [{ largestRequest: Number.NaN }, /^largestRequest/],
  [{ smallRequest: -1 }, /^smallRequest/],
  [{ queueLimit: -1 }, /^queueLimit must be a whole number from 0/],
  [{ connections: 0 }, /^connections must be a whole number from 1/],
  [{ concurrency: 0 }, /^concurrency must be a whole number from 1/],
  [{ workers: 0 }, /^workers/],
  [{ proxies: 1.5 }, /^proxies/],
  [{ queueTimeoutMs: 0 }, /^queueTimeoutMs must be a whole number from 1/],
  [{ serverTimeoutMs: Number.POSITIVE_INFINITY }, /^serverTimeoutMs/],
] as const) {
  t.test(`${inspect(options)} is refused`, async t => {
    const wrong = { ...given, ...options } as LimitOptions
    t.throws(() => limitsOf(wrong), { code: 'ERR_PLIMSOLL_OPTION', message })
  })
}
