import Table from 'cli-table3'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { median, type Spread, spreadOf } from '../statistics.ts'
import { inFront } from './in-front.ts'
import { type OverheadResult, type OverheadRun, ratios } from './overhead-result.ts'
import { routeNamed } from './routes.ts'

const HEAD = [
  'protocol',
  'route',
  'framework',
  'in front',
  'requests/s',
  'over plain',
  'CPU µs/request',
  'user + system',
  'over plain',
]
const TEXTS = 4

export function terminalTable(run: OverheadRun): string {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((_, at) => (at < TEXTS ? 'left' : 'right')),
    ...plainTable,
  })
  for (const result of run.results) table.push(rowOf(run, result))
  return `${table.toString()}\n${footnote(run)}`
}

export function markdownTable(run: OverheadRun): string {
  const rule = HEAD.map((_, at) => (at < TEXTS ? '---' : '---:'))
  const rows = [HEAD, rule, ...run.results.map(result => rowOf(run, result))]
  return `${rows.map(row => `| ${row.join(' | ')} |`).join('\n')}\n\n${footnote(run)}\n`
}

function rowOf(run: OverheadRun, result: OverheadResult): string[] {
  const user = median(result.runs.map(one => one.userMicroseconds))
  const system = median(result.runs.map(one => one.systemMicroseconds))
  return [
    result.protocol,
    routeNamed(result.route).title,
    result.framework,
    inFront[result.inFront],
    median(result.runs.map(one => one.requestsPerSecond)).toFixed(0),
    ratio(run, result, 'requests'),
    median(result.runs.map(one => one.userMicroseconds + one.systemMicroseconds)).toFixed(1),
    `${user.toFixed(1)} + ${system.toFixed(1)}`,
    ratio(run, result, 'cpu'),
  ]
}

function ratio(run: OverheadRun, result: OverheadResult, figure: 'requests' | 'cpu'): string {
  return result.inFront === 'plain' ? '' : spread(spreadOf(ratios(run, result, figure)))
}

function spread({ median, lowest, highest }: Spread): string {
  return `${median.toFixed(3)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`
}

export function footnote({ machine, results, seconds, warmSeconds }: OverheadRun): string {
  const counts = spreadOf(results.map(({ runs }) => runs.length))
  const runs = counts.lowest === counts.highest ? `${counts.lowest}` : `${counts.lowest} to ${counts.highest}`
  return `${machineLine(machine)}. Median (lowest to highest) of ${runs} runs of ${seconds} s, each beside a plain server, after ${warmSeconds} s to warm up.`
}
