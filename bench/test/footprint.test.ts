import { type CostByLength, parseByteSize } from '@plimsoll/core'
import { readBodyPolicy } from '@plimsoll/work'
import t from 'tap'
import { defaultCost } from '../../packages/core/src/body-kind.ts'
import { frameworks } from '../flood/servers.ts'
import { uncovered, worst } from '../footprint/covered.ts'
import { fitLine } from '../footprint/fit-line.ts'
import { readReport } from '../footprint/footprint-report.ts'
import { type FootprintResult, footprints, type Measured, perByte } from '../footprint/footprint-result.ts'
import { type Kind, kindNamed, kinds } from '../footprint/kinds.ts'
import { measureFootprint } from '../footprint/measure-footprint.ts'
import { committedResults } from '../results-folder.ts'

const KiB = 1024
const MiB = 2 ** 20

t.test('a line goes through points that stand on one, and between those that do not', async t => {
  t.strictSame(fitLine([0, 1, 5].map(x => [x, 3 * x + 2] as const)), { slope: 3, intercept: 2 })
  t.strictSame(
    fitLine([
      [0, 0],
      [0, 2],
      [2, 4],
      [2, 6],
    ]),
    { slope: 2, intercept: 1 },
  )
  t.ok(Number.isNaN(fitLine([[1, 1]]).slope))
})

for (const { name, body } of kinds) {
  t.test(`a body of ${name} is as long as it says`, async t => {
    for (const bytes of [4 * KiB, 100_003, MiB]) {
      const pieces = [...body(bytes).pieces()]
      t.equal(Buffer.concat(pieces).length, bytes)
    }
  })
}

t.test('bodies are what parsers take', async t => {
  const written = (name: string) => Buffer.concat([...kindNamed(name).body(MiB).pieces()]).toString()
  t.ok(JSON.parse(written('json')).length > 1_000)
  t.ok(JSON.parse(written('json-hostile')).length > 100_000)
  t.ok(new URLSearchParams(written('form')).size <= 1_000)
})

const load = (bytes: number, atOnce: number, peakBytes: number): Measured => ({
  bytes,
  atOnce,
  peakBytes,
  answered: atOnce,
  ending: { kind: 'alive' },
})
const resultOf = (...runs: Measured[][]): FootprintResult => ({
  framework: 'fastify',
  kind: 'buffer',
  idleBytes: 0,
  runs,
})

t.test('a byte takes the median of all runs, and the larger of one at a time and several', async t => {
  const run = (factor: number) =>
    [1, 2, 3].flatMap(size => [
      load(size * MiB, 1, factor * size * MiB),
      load(size * MiB, 4, size * 4 * MiB + 9),
    ])
  const result = resultOf(run(2), run(3), run(9))
  t.strictSame(
    footprints(result).map(({ atOnce, perByte }) => [atOnce, perByte.median]),
    [
      [1, 3],
      [4, 1],
    ],
  )
  t.equal(perByte(result), 3)
})

t.test('who was killed is in no line', async t => {
  const killed = { kind: 'killed for memory', exitCode: 137, atSeconds: 1, killer: 'cgroup v1' } as const
  const run = [1, 2].map(size => load(size * MiB, 1, 2 * size * MiB))
  const result = resultOf([...run, { ...load(3 * MiB, 1, 0), answered: 0, ending: killed }])
  t.equal(perByte(result), 2)
})

t.test('a load that takes more than its cost and what floats is told', async t => {
  const over = load(100 * MiB, 1, 265 * MiB)
  t.strictSame(uncovered(resultOf([load(100 * MiB, 1, 264 * MiB)]), { fixed: 0, perByte: 2 }), [])
  t.match(uncovered(resultOf([over]), { fixed: 0, perByte: 2 }), [{ bytes: 100 * MiB }])
})

const committed = readReport(committedResults)
for (const { name, defaultOf } of kinds) {
  if (defaultOf === undefined) continue
  const results = committed.results.filter(({ kind }) => kind === name)

  t.test(`the default cost of ${name} covers every load that was measured`, async t => {
    t.strictSame(
      results.map(({ framework }) => framework),
      frameworks,
    )
    for (const result of results)
      t.strictSame(uncovered(result, defaultCost(defaultOf)), [], result.framework)
  })

  t.test(
    `the default cost of ${name} is what the worst framework takes, and no more than twice that`,
    async t => {
      const measured = worst(results)
      const { perByte } = defaultCost(defaultOf)
      t.ok(perByte >= measured && perByte <= 2 * measured, `${perByte} for ${measured.toFixed(2)}`)
    },
  )
}

t.test('readBody takes a body once, and the policy that goes with it covers every load measured', async t => {
  const { cost } = readBodyPolicy
  const results = committed.results.filter(({ kind }) => kind === 'read-body')
  t.strictSame(
    results.map(({ framework }) => framework),
    frameworks,
  )
  const { fixed, perByte } = cost as CostByLength
  for (const result of results)
    t.strictSame(uncovered(result, { fixed: parseByteSize(fixed), perByte }), [], result.framework)
  const measured = worst(results)
  t.ok(measured < 1.25, `${measured.toFixed(2)} of 1`)
})

/** Another parser, another version of one: what is installed, measured now. */
t.test('the default cost of text covers what it takes here, and is no more than twice that', async t => {
  const kind: Kind = kindNamed('text')
  const loads = [4, 16, 32].flatMap(size => [1, 4].map(atOnce => ({ bytes: size * MiB, atOnce })))
  loads.sort((a, b) => a.bytes * a.atOnce - b.bytes * b.atOnce)
  const { measured } = await measureFootprint({
    framework: 'fastify',
    kind,
    limitBytes: 2 * 2 ** 30,
    loads,
  })
  const result = resultOf(measured)
  t.strictSame(uncovered(result, defaultCost('text')), [])
  const here = perByte(result)
  const byDefault = defaultCost('text').perByte
  t.ok(byDefault >= here && byDefault <= 2 * here, `${byDefault} for ${here.toFixed(2)}`)
})
