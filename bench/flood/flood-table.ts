import Table from 'cli-table3'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import type { FloodResult, FloodRun } from './flood-result.ts'
import {
  answered,
  ending,
  latency,
  liveFrames,
  mebibytes,
  peak,
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
  table.push(...results.map(cells))
  const note = standIn(results)
  return note === undefined
    ? table.toString()
    : `${table.toString()}\n${note}\nReason: ${standInReason(results)}.`
}

export function markdownTable(run: FloodRun): string {
  const rule = head.map((_, column) => (column < FIRST_NUMBER ? '---' : '---:'))
  const lines = [head, rule, ...run.results.map(cells)].map(row => `| ${row.join(' | ')} |`)
  const note = standIn(run.results)
  return [
    ...lines,
    '',
    ...(note === undefined ? [] : [`**${note}** Reason: ${standInReason(run.results)}.`, '']),
    footnote(run),
    '',
  ].join('\n')
}

function cells(result: FloodResult): string[] {
  return [
    result.scenario,
    result.server,
    answered(result),
    ending(result),
    peak(result),
    mebibytes(result.idleBytes),
    liveFrames(result),
    seconds(result.seconds),
    result.answered === 0 ? '–' : result.megabytesPerSecond.toFixed(0),
    latency(result.p50Ms),
    latency(result.p99Ms),
  ]
}

function footnote({ results, machine, budget, measuredAt }: FloodRun): string {
  const cage = results[0]?.cage
  if (!cage) return ''
  return [
    `Limit ${mebibytes(cage.limitBytes)} (${cage.kind}), budget ${budget}.`,
    'Peak and idle are anonymous, kernel and socket memory; page cache is not in them.',
    'MB/s, p50 and p99 are of the requests that were answered.',
    `${machineLine(machine)}; ${measuredAt.slice(0, 10)}.`,
  ].join(' ')
}
