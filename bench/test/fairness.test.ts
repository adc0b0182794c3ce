import t from 'tap'
import { asked, throughputRatio } from '../fairness/asks.ts'
import type { FairnessResult } from '../fairness/fairness-result.ts'
import { paced } from '../fairness/load/paced.ts'
import { parseStatus } from '../fairness/load/status-line.ts'
import { pooled } from '../fairness/pooled.ts'
import type { Scenario } from '../fairness/scenarios.ts'
import { thinned } from '../fairness/thinned.ts'
import { emptyTally, type Tally } from '../flood/load/outcome.ts'

const MiB = 2 ** 20

t.test('a status is read once its line is whole', async t => {
  t.equal(parseStatus('HTTP/1.1 408 Request Timeout\r\n'), '408')
  t.equal(parseStatus('HTTP/1.1 20'), undefined)
  t.equal(parseStatus('HTTP/1.1 200 OK'), undefined)
  t.equal(parseStatus('x HTTP/1.1 200 OK\r\n'), undefined)
})

t.test('thinned values keep the highest, and all where they are few', async t => {
  t.strictSame(thinned([3, 1, 2], 5), [1, 2, 3])
  t.strictSame(thinned([6, 5, 4, 3, 2, 1], 3), [2, 4, 6])
  t.strictSame(thinned([], 3), [])
})

t.test('pooled runs add up', async t => {
  const one = { ...tally(3, [5, 6]), byStatus: { 201: 2, 503: 1 } }
  const pool = pooled([one, { ...tally(2, [7, 8]), byStatus: { 201: 2 } }])
  t.equal(pool.requests, 5)
  t.equal(pool.answered, 4)
  t.strictSame(pool.latenciesMs, [5, 6, 7, 8])
  t.strictSame(pool.byStatus, { 201: 4, 503: 1 })
  t.strictSame(one.latenciesMs, [5, 6])
})

t.test('a paced body is whole, and in pieces of a tenth of a second', async t => {
  const pieces: Buffer[] = []
  for await (const piece of paced(1_000_000)([Buffer.alloc(150_000, 'a'), Buffer.alloc(50_000, 'b')]))
    pieces.push(piece)
  t.strictSame(
    pieces.map(({ length }) => length),
    [100_000, 50_000, 50_000],
  )
  t.equal(Buffer.concat(pieces).toString('latin1'), 'a'.repeat(150_000) + 'b'.repeat(50_000))
})

t.test('throughput is compared by medians, and by nothing where a half is missing', async t => {
  const flood = { tally: emptyTally(0), withRequests: [90, 10, 95], withoutRequests: [100, 120, 80] }
  t.equal(throughputRatio(flood), 0.9)
  t.ok(Number.isNaN(throughputRatio({ ...flood, withoutRequests: [] })))
})

const scenario: Scenario = {
  name: 's',
  title: { name: '', load: '' },
  honest: [
    { name: 'small', kind: 'upload', bytes: 1, requests: 4, startMs: 0, everyMs: 0, asks: { p99Ms: 500 } },
    { name: 'most', kind: 'upload', bytes: 1, requests: 4, startMs: 0, everyMs: 0, asks: { served: 3 } },
  ],
  peakBytes: 320 * MiB,
  stopAfterMs: 1,
}

t.test('what is asked is met by who serves all in time, inside of the memory', async t => {
  t.strictSame(missed(result(tally(4, [1, 2, 3, 500]), tally(4, [1, 2, 3]), 320)), [])
})

t.test('each thing that is asked can be missed', async t => {
  t.match(missed(result(tally(4, [1, 2, 3]), tally(4, [1, 2, 3]), 300)), ['small: 3 of 4'])
  t.match(missed(result(tally(4, [1, 2, 3, 501]), tally(4, [1, 2, 3]), 300)), [
    'small: p99 501 ms of at most 500 ms',
  ])
  t.match(missed(result(tally(4, [1, 2, 3, 4]), tally(4, [1, 2]), 300)), ['most: 2 of 4, at least 3'])
  t.match(missed(result(tally(4, [1, 2, 3, 4]), tally(4, [1, 2, 3]), 321)), [
    'peak 321 MiB of at most 320 MiB',
  ])
  t.equal(missed(result(tally(4, []), tally(4, [1, 2, 3]), 300)).length, 2)
  const dead = {
    ...result(tally(4, [1, 2, 3, 4]), tally(4, [1, 2, 3]), 300),
    ending: { kind: 'does not answer' },
  }
  t.match(missed(dead as FairnessResult), ["the server's end: does not answer"])
})

t.test('a flood that loses its throughput is missed, and one that was not compared', async t => {
  const wave = { requests: 1, concurrency: 1, bytes: 1, objects: 1 }
  const flooded = { ...scenario, honest: [], flood: { ...wave, rounds: 1, asksRatio: 0.9 } }
  const flood = (withRequests: number[], withoutRequests: number[]) => {
    const { load, ...rest } = result(tally(0, []), tally(0, []), 1)
    const measured = {
      ...rest,
      load: { ...load, flood: { tally: emptyTally(0), withRequests, withoutRequests } },
    }
    return asked(flooded, measured).every(({ met }) => met)
  }
  t.equal(flood([90], [100]), true)
  t.equal(flood([89], [100]), false)
  t.equal(flood([90], []), false)
})

function tally(requests: number, latenciesMs: number[]): Tally {
  return { ...emptyTally(requests), answered: latenciesMs.length, latenciesMs }
}

function result(small: Tally, most: Tally, peakMiB: number): FairnessResult {
  return {
    scenario: 's',
    server: 'plimsoll',
    cage: { kind: 'cgroup v2', limitBytes: 512 * MiB },
    ending: { kind: 'alive' },
    peakBytes: peakMiB * MiB,
    peakOf: undefined,
    load: { honest: [small, most], elapsedMs: 1 },
  }
}

function missed(result: FairnessResult): string[] {
  return asked(scenario, result)
    .filter(({ met }) => !met)
    .map(({ text }) => text)
}
