import Table from 'cli-table3'
import { ending, latency, mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { spreadOf } from '../statistics.ts'
import { type Contender, contenderNames, contenders } from './contenders.ts'
import { kept, type Point, pointsOf, type ScaleRun } from './scale-result.ts'

const HEAD = [
  'offered',
  'in front',
  'answers/s',
  'of capacity',
  'answered',
  'refused',
  'neither',
  'p50',
  'p99',
  'peak',
  'server',
]
const TEXTS = 2

export function terminalTable(run: ScaleRun): string {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((_, at) => (at < TEXTS ? 'left' : 'right')),
    ...plainTable,
  })
  for (const row of rowsOf(run)) table.push(row)
  return [table.toString(), ...closingLines(run)].join('\n')
}

export function markdownTable(run: ScaleRun): string {
  const rule = HEAD.map((_, at) => (at < TEXTS ? '---' : '---:'))
  const rows = [HEAD, rule, ...rowsOf(run)].map(row => `| ${row.join(' | ')} |`)
  return `${rows.join('\n')}\n\n${closingLines(run).join('\n\n')}\n`
}

function rowsOf(run: ScaleRun): string[][] {
  const all = contenderNames.flatMap(contender =>
    pointsOf(run, contender).map(point => ({ contender, point })),
  )
  return all
    .sort((a, b) => a.point.times - b.point.times)
    .map(({ contender, point }) => rowOf(run, contender, point))
}

function rowOf(
  { capacity }: ScaleRun,
  contender: Contender,
  { times, runs, goodput, p99Ms, peakBytes }: Point,
): string[] {
  const sum = (of: (cell: (typeof runs)[number]) => number): number =>
    runs.reduce((all, cell) => all + of(cell), 0)
  const arrived = sum(cell => cell.arrived)
  const part = (count: number): string => `${((count / arrived) * 100).toFixed(1)} %`
  const answered = sum(cell => cell.answered)
  const refused = sum(cell => cell.refused)
  const { lowest, highest } = spreadOf(runs.map(cell => cell.goodput / capacity))
  const middle = runs.map(({ p50Ms }) => p50Ms).find(ms => ms !== undefined)
  return [
    `${times} times`,
    contenders[contender].name,
    goodput.toFixed(1),
    `${(goodput / capacity).toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`,
    part(answered),
    part(refused),
    part(arrived - answered - refused),
    latency(middle),
    latency(p99Ms),
    mebibytes(peakBytes),
    [...new Set(runs.map(ending))].join('; '),
  ]
}

export function closingLines(run: ScaleRun): string[] {
  const most = Math.max(...run.cells.map(({ times }) => times))
  const lines = contenderNames.flatMap(contender => {
    const points = pointsOf(run, contender)
    if (points.length === 0) return []
    const dead = points.filter(({ lived }) => !lived).map(({ times }) => times)
    const fate =
      dead.length === 0 ? 'lived at each' : `did not live within its limit at ${dead.join(', ')} times`
    const part = (kept(points) * 100).toFixed(0)
    return [
      `${contenders[contender].name}: ${part} % of its highest goodput is left at ${most} times the capacity; ${fate}.`,
    ]
  })
  return [footnote(run), ...lines]
}

export function footnote({ machine, capacity, seconds, maxconn, cells }: ScaleRun): string {
  const runs = new Set(cells.map(({ run }) => run)).size
  return `${machineLine(machine)}. Capacity ${capacity.toFixed(1)} a second; ${runs} runs of ${seconds} s, medians; HAProxy’s maxconn ${maxconn}.`
}
