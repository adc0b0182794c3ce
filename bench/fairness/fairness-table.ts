import Table from 'cli-table3'
import type { Tally } from '../flood/load/outcome.ts'
import { ending, latency, mebibytes, peak, standIn, standInReason } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { percentile } from '../statistics.ts'
import { throughputRatio } from './asks.ts'
import type { FairnessResult, FairnessRun } from './fairness-result.ts'
import type { LoadReport } from './load/protocol.ts'
import { scenarioNamed } from './scenarios.ts'
import { serverNames } from './servers.ts'

const head = [
  'scenario',
  'server',
  'honest requests',
  'served',
  'p50',
  'p99',
  'max',
  'peak',
  'ended',
  'others ended with',
  'attackers’ connections ended with',
]

export function terminalTable(results: readonly FairnessResult[]): string {
  const table = new Table({ head, ...plainTable })
  table.push(...results.flatMap(rows))
  const note = standIn(results)
  return note === undefined
    ? table.toString()
    : `${table.toString()}\n${note}\nReason: ${standInReason(results)}.`
}

export function markdownTable(run: FairnessRun): string {
  const note = standIn(run.results)
  const lines = [head, head.map(() => '---'), ...run.results.flatMap(rows)].map(
    row => `| ${row.join(' | ')} |`,
  )
  const limit = mebibytes(run.results[0]?.cage.limitBytes ?? 0)
  return [
    ...lines,
    '',
    ...(note === undefined ? [] : [`**${note}** Reason: ${standInReason(run.results)}.`, '']),
    `Limit ${limit} (${run.results[0]?.cage.kind}), budget ${run.budget}. p50, p99 and max are of the requests that were served.`,
    `Peak is anonymous, kernel and socket memory; page cache is not in it. ${machineLine(run.machine)}; ${run.measuredAt.slice(0, 10)}.`,
    '',
  ].join('\n')
}

/** One row for each kind of honest request; what is the server's own stands in the first. */
function rows(result: FairnessResult): string[][] {
  const { honest } = scenarioNamed(result.scenario)
  const { load } = result
  const kinds = honest.map(({ name }, index) => kindCells(name, load.honest[index] as Tally))
  if (load.flood) kinds.push(kindCells(floodName(load.flood), load.flood.tally))
  return kinds.map(([name = '', served = '', p50 = '', p99 = '', max = '', others = ''], index) => {
    const first = index === 0
    return [
      first ? result.scenario : '',
      first ? serverNames[result.server] : '',
      name,
      served,
      p50,
      p99,
      max,
      first ? peak(result) : '',
      first ? ending(result) : '',
      others,
      first ? attackers(load) : '',
    ]
  })
}

function kindCells(name: string, tally: Tally): string[] {
  const { latenciesMs, byStatus } = tally
  const at = (percent: number) =>
    latency(latenciesMs.length > 0 ? percentile(latenciesMs, percent) : undefined)
  const others = Object.entries(byStatus).filter(([status]) => status !== '200' && status !== '201')
  return [name, servedOf(tally), at(50), at(99), at(100), counts(others)]
}

export function servedOf({ answered, requests }: Tally): string {
  return `${answered} of ${requests}`
}

function floodName(flood: NonNullable<LoadReport['flood']>): string {
  const ratio = throughputRatio(flood)
  return Number.isNaN(ratio) ? 'the flood' : `the flood, ${ratio.toFixed(2)} of its throughput`
}

function attackers({ attack }: LoadReport): string {
  if (!attack) return '–'
  return `${counts(Object.entries(attack.byEnding)) || 'none'} (${attack.connected} made)`
}

function counts(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([what, count]) => `${count} × ${what}`).join(', ')
}
