import t from 'tap'
import { costOfRead } from '../src/auto-cost.ts'
import type { BodyKind } from '../src/body-kind.ts'
import { Measure } from '../src/measure.ts'
import { chooseBudget, type MemoryLimit } from '../src/memory-limit.ts'
import { costOfMost, recommendBudget, recommendCost } from '../src/recommend.ts'
import { RouteMeasures } from '../src/route-measures.ts'

const KIB = 1024
const MIB = 2 ** 20

interface Past {
  readonly read?: BodyKind | 'stream'
  readonly readBytes?: number
  readonly bufferedBytes?: number
}

/** A route with requests like these. */
function routeWith(...past: readonly Past[]): RouteMeasures {
  const row = new RouteMeasures('POST /a', 10 * MIB)
  for (const { read, readBytes = 0, bufferedBytes = 0 } of past) {
    row.over(bufferedBytes)
    row.measure({ declaredBytes: readBytes, readBytes, reservedBytes: 0, heldMs: 1, read })
  }
  return row
}

t.test('a route without bodies whose responses are small costs nothing', async t => {
  t.match(recommendCost(routeWith({}, {})), {
    cost: { fixed: 0, perByte: 0 },
    because: 'responses are hardly buffered',
  })
})

t.test('a route costs what bodies of its kind do', async t => {
  const { cost, because } = recommendCost(routeWith({ read: 'json', readBytes: 1000 }))
  t.same(cost, costOfRead('json'))
  t.equal(
    because,
    `bodies are read as json: ${cost.perByte} times their length; responses are hardly buffered`,
  )
  t.match(recommendCost(routeWith({ read: 'stream', readBytes: 100 * MIB })), {
    cost: { fixed: 128 * KIB, perByte: 0 },
    because: 'bodies are streamed: a window of each is held; responses are hardly buffered',
  })
})

t.test('a route costs what the largest of its responses has buffered, whatever was guessed', async t => {
  const row = routeWith({ bufferedBytes: 2 * MIB }, { bufferedBytes: 40 * MIB }, { bufferedBytes: 1 * MIB })
  const { fixed, perByte } = recommendCost(row).cost
  t.equal(perByte, 0)
  t.ok(fixed > 80 * MIB * (15 / 16) && fixed < 81 * MIB * (17 / 16), `${fixed}`)
  t.match(recommendCost(row).because, /^responses buffered up to 4\d MiB, and are mostly held twice$/)
  const both = recommendCost(routeWith({ read: 'text', bufferedBytes: 40 * MIB }))
  t.equal(both.cost.fixed, costOfRead('text').fixed + fixed, 'besides what its bodies do')
  t.match(both.because, /^bodies are read as text: .* times their length; responses buffered up to 4\d MiB/)
})

t.test('how sure that is grows with the requests that were measured', async t => {
  const confidence = (requests: number): number =>
    recommendCost(routeWith(...Array.from({ length: requests }, () => ({})))).evidence.confidence
  t.equal(confidence(0), 0)
  t.ok(Math.abs(confidence(1) - 0.01) < 1e-9)
  t.ok(confidence(298) < 0.95 && confidence(299) > 0.95, '299 requests show the 99th percentile at 95 %')
  t.match(recommendCost(routeWith({}, {})).evidence, { requests: 2, percentile: 99 })
})

t.test('most requests cost no more than one with the 99th percentile of the bodies', async t => {
  const past = Array.from(
    { length: 100 },
    (_, n) => ({ read: 'buffer', readBytes: n === 0 ? 100 * MIB : 16 }) as const,
  )
  const row = routeWith(...past)
  const recommended = recommendCost(row)
  const { fixed, perByte } = recommended.cost
  t.equal(costOfMost(recommended, row), fixed + perByte * 16)
  t.equal(costOfMost({ ...recommended, cost: { fixed: 0, perByte: 0.3 } }, row), 5, 'in whole bytes')
  t.equal(costOfMost(recommendCost(routeWith()), routeWith()), 0)
})

const LIMIT: MemoryLimit = { bytes: 1024 * MIB, source: 'cgroup v2' }
const IDLE = 64 * MIB
const MOST = chooseBudget(LIMIT, IDLE)

function demandOf(...bytes: readonly number[]): Measure {
  const measure = new Measure()
  for (const each of bytes) measure.record(each)
  return measure
}

t.test('a budget has room for four of the largest requests', async t => {
  t.match(recommendBudget(10 * MIB, demandOf(5 * MIB, 39 * MIB), LIMIT, IDLE), {
    bytes: 40 * MIB,
    evidence: { requests: 2, percentile: 99 },
    because: `room for 4 of the largest requests, which cost 10 MiB; the container has room for ${MOST.bytes / MIB} MiB`,
  })
})

t.test('a budget has room for nearly all that was asked for at once, where that is more', async t => {
  const { bytes, because } = recommendBudget(
    MIB,
    demandOf(...Array(99).fill(64 * MIB), 400 * MIB),
    LIMIT,
    IDLE,
  )
  t.ok(Math.abs(bytes - 64 * MIB) <= 4 * MIB, `${bytes}`)
  t.match(
    because,
    /^nearly always all requests together, those that waited too, asked for no more than 6\d MiB; the container has room for/,
  )
})

t.test('a budget is never more than the container has room for', async t => {
  for (const budget of [
    recommendBudget(MOST.bytes, demandOf(), LIMIT, IDLE),
    recommendBudget(0, demandOf(2 * MOST.bytes), LIMIT, IDLE),
    recommendBudget(MOST.bytes / 4, demandOf(), LIMIT, IDLE),
  ])
    t.match(budget, { bytes: MOST.bytes, because: MOST.because })
  t.equal(recommendBudget(MOST.bytes / 4 - 1, demandOf(), LIMIT, IDLE).bytes, MOST.bytes - 4)
})

t.test('where nothing has cost anything yet the budget is what the container has room for', async t => {
  t.match(recommendBudget(0, demandOf(), LIMIT, IDLE), {
    bytes: MOST.bytes,
    evidence: { requests: 0, confidence: 0 },
    because: `no request has cost anything yet; ${MOST.because}`,
  })
})
