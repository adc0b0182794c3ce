import t from 'tap'
import { readReport, writeReport } from '../fidelity/fidelity-report.ts'
import {
  correlation,
  type FidelityResult,
  type FidelityRun,
  percentilesOf,
} from '../fidelity/fidelity-result.ts'
import { markdownTable, terminalTable } from '../fidelity/fidelity-table.ts'
import { bodyOf } from '../fidelity/load/body.ts'
import { drawn, kinds } from '../fidelity/load/kinds.ts'
import { measureFidelity } from '../fidelity/measure-fidelity.ts'
import { type InsideSample, type Sample, together } from '../fidelity/sample.ts'
import { Random } from '../soak/random.ts'

const MiB = 2 ** 20

t.test('bodies are what they say', async t => {
  for (const bytes of [1, 1_000, MiB]) {
    const json = bodyOf('json', bytes)
    t.ok(JSON.parse(json.body.toString()).length >= 1)
    t.ok(json.body.length <= Math.max(bytes, 100) + 1)
    const form = bodyOf('parts', bytes)
    const read = await new Response(form.body, { headers: { 'content-type': form.type } }).formData()
    const files = read.getAll('file') as File[]
    t.strictSame(
      files.map(({ size }) => size),
      [bytes >> 1, bytes >> 1],
    )
  }
  t.equal(
    kinds.reduce((sum, { percent }) => sum + percent, 0),
    100,
  )
})

t.test('the same seed asks for the same, and of all kinds there are some', async t => {
  const paths = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 200 }, () => drawn(random)).map(({ path, body, bytesPerSecond }) => {
      return `${path} ${body?.length} ${bytesPerSecond}`
    })
  }
  t.strictSame(paths(1), paths(1))
  t.notSame(paths(1), paths(2))
  for (const kind of [
    /^\/upload .*undefined/,
    /^\/parts/,
    /^\/json/,
    /^\/download.*undefined/,
    /^\/upload.*262144/,
    /^\/download.*262144/,
  ]) {
    t.ok(
      paths(1).some(path => kind.test(path)),
      String(kind),
    )
  }
})

const inside = (at: number, reserved: number, held: number): InsideSample => ({
  at,
  reserved,
  paidIn: reserved / 2,
  active: 1,
  waiting: 0,
  rss: 0,
  heapUsed: held / 2,
  external: held / 2,
})
const outside = (at: number, anonBytes: number) => ({ at, anonBytes, kernelBytes: 20, socketBytes: 30 })

t.test('a look inside stands beside the nearest one outside, and both over idle', async t => {
  const samples = together(
    [inside(1_000, 40, 100), inside(1_100, 60, 200), inside(1_400, 0, 100)],
    [outside(900, 1), outside(1_040, 300), outside(1_090, 500), outside(1_160, 2)],
    { inside: inside(0, 0, 50), outside: { at: 0, anonBytes: 100, kernelBytes: 10, socketBytes: 10 } },
  )
  t.strictSame(samples, [
    {
      seconds: 0,
      reserved: 40,
      paidIn: 20,
      waiting: 0,
      real: 230,
      sockets: 20,
      kernel: 10,
      held: 50,
      kept: 150,
    },
    {
      seconds: 0.1,
      reserved: 60,
      paidIn: 30,
      waiting: 0,
      real: 430,
      sockets: 20,
      kernel: 10,
      held: 150,
      kept: 250,
    },
    {
      seconds: 0.4,
      reserved: 0,
      paidIn: 0,
      waiting: 0,
      real: -68,
      sockets: 20,
      kernel: 10,
      held: 50,
      kept: -148,
    },
  ])
})

t.test('in short: a server under all kinds of requests, looked at from both sides', async t => {
  const result = await measureFidelity({
    limitBytes: 2 ** 30,
    forceCage: 'supervisor',
    budget: '64MiB',
    // A swing has just begun: a few of them are at work.
    clients: 40,
    seconds: 4,
    seed: 1,
    collects: true,
  })
  t.equal(result.ending.kind, 'alive')
  t.strictSame(Object.keys(result.byStatus), ['200'])
  t.ok(result.samples.length > 10)
  t.ok(result.samples.some(({ reserved }) => reserved > MiB))
  t.ok(result.samples.some(({ real }) => real > 0))
})

t.test('how far it is off, in table, picture and what is kept', async t => {
  const sample = (seconds: number, reserved: number, real: number): Sample => ({
    seconds,
    reserved: reserved * MiB,
    paidIn: 0,
    waiting: 1,
    real: real * MiB,
    sockets: MiB,
    kernel: 0,
    held: 2 * MiB,
    kept: -MiB,
  })
  const result: FidelityResult = {
    collects: false,
    cage: { kind: 'cgroup v2', limitBytes: 2 ** 29 },
    ending: { kind: 'alive' },
    byStatus: { '200': 3 },
    idleBytes: 50 * MiB,
    samples: [sample(0, 0, 10), sample(0.1, 10, 15), sample(0.2, 80, 40)],
  }
  t.strictSame(
    percentilesOf(result, 'off').map(bytes => bytes / MiB),
    [-40, -40, 5, 10, 10, 10],
  )
  t.ok(Math.abs(correlation(result, 'reserved', 'real') - 0.999) < 0.001)
  const run: FidelityRun = {
    measuredAt: '',
    machine: { node: 'v20', system: 'linux', cores: 2, processor: 'any', memoryBytes: 1 },
    budgetBytes: 64 * MiB,
    clients: 8,
    seconds: 1,
    results: [result],
  }
  t.match(terminalTable(run), 'More than the budget was reserved in 1 of them')
  t.match(markdownTable(run), '| **off: real less reserved** | -40.0 | -40.0 | 5.0 | 10.0 | 10.0 | 10.0 |')
  const folder = t.testdir()
  writeReport(run, folder)
  t.strictSame(readReport(folder), run)
})
