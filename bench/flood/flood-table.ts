import Table from 'cli-table3'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { median } from '../statistics.ts'
import type { FloodResult, FloodRun } from './flood-result.ts'
import { type Repeated, repeated } from './repeated.ts'
import {
  answeredInRuns,
  endings,
  latency,
  liveFrames,
  mebibytes,
  peaks,
  seconds,
  standIn,
  standInReason,
} from './wording.ts'

const head = [
  'scenario',
  'server',
  'answered',
  'ended',
  'peak',
  'idle',
  'live frames',
  'seconds',
  'MB/s',
  'p50',
  'p99',
]
const FIRST_NUMBER = head.indexOf('peak')

export function terminalTable(results: readonly FloodResult[]): string {
  const colAligns = head.map((_, column) => (column < FIRST_NUMBER ? 'left' : 'right') as 'left' | 'right')
  const table = new Table({ head, colAligns, ...plainTable })
  table.push(...repeated(results).map(cells))
  const note = standIn(results)
  return note === undefined
    ? table.toString()
    : `${table.toString()}\n${note}\nReason: ${standInReason(results)}.`
}

export function markdownTable(run: FloodRun): string {
  const rule = head.map((_, column) => (column < FIRST_NUMBER ? '---' : '---:'))
  const lines = [head, rule, ...repeated(run.results).map(cells)].map(row => `| ${row.join(' | ')} |`)
  const note = standIn(run.results)
  return [
    ...lines,
    '',
    ...(note === undefined ? [] : [`**${note}** Reason: ${standInReason(run.results)}.`, '']),
    footnote(run),
    '',
  ].join('\n')
}

/** Medians where there were several runs. */
function cells(group: Repeated): string[] {
  const { runs, typical } = group
  const served = runs.filter(run => run.answered > 0)
  const middle = (values: readonly (number | undefined)[]): number | undefined =>
    values.length === 0 ? undefined : median(values.map(value => value ?? Number.NaN))
  return [
    typical.scenario,
    typical.server,
    answeredInRuns(group),
    endings(group),
    peaks(group),
    mebibytes(median(runs.map(run => run.idleBytes))),
    liveFrames(typical),
    seconds(median(runs.map(run => run.seconds))),
    middle(served.map(run => run.megabytesPerSecond))?.toFixed(0) ?? '–',
    latency(middle(served.map(run => run.p50Ms))),
    latency(middle(served.map(run => run.p99Ms))),
  ]
}

function footnote({ results, machine, budget, measuredAt, front }: FloodRun): string {
  const cage = results[0]?.cage
  if (!cage) return ''
  const times = Math.max(...repeated(results).map(({ runs }) => runs.length))
  return [
    ...(times > 1
      ? [`${times} runs of each, ungoverned and governed in turns: medians, peaks with their spread.`]
      : []),
    `Limit ${mebibytes(cage.limitBytes)} (${cage.kind}), budget ${budget}${front === undefined ? '' : `, behind ${front}`}.`,
    'Peak and idle are anonymous, kernel and socket memory; page cache is not in them.',
    'MB/s, p50 and p99 are of the requests that were answered.',
    `${machineLine(machine)}; ${measuredAt.slice(0, 10)}.`,
  ].join(' ')
}
