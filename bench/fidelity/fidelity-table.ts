import Table from 'cli-table3'
import { ending } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import {
  correlation,
  type FidelityResult,
  type FidelityRun,
  type Part,
  PERCENTS,
  parts,
  percentilesOf,
} from './fidelity-result.ts'

const HEAD = ['MiB', ...PERCENTS.map(percent => (percent === 100 ? 'most' : `p${percent}`))]

export function terminalTable(run: FidelityRun): string {
  return run.results
    .flatMap(result => {
      const table = new Table({
        head: HEAD,
        colAligns: HEAD.map((_, at) => (at === 0 ? 'left' : 'right')),
        ...plainTable,
      })
      for (const row of rowsOf(result)) table.push(row.map(cell => cell.replaceAll('*', '')))
      return [titleOf(result), table.toString(), ...linesOf(run, result), '']
    })
    .concat(footnote(run))
    .join('\n')
}

export function markdownTable(run: FidelityRun): string {
  const rule = HEAD.map((_, at) => (at === 0 ? '---' : '---:'))
  const sections = run.results.flatMap(result => [
    `## ${titleOf(result)}`,
    [HEAD, rule, ...rowsOf(result)].map(row => `| ${row.join(' | ')} |`).join('\n'),
    ...linesOf(run, result),
  ])
  return `# What is reserved, and what is really in memory\n\n${[...sections, footnote(run)].join('\n\n')}\n`
}

export function titleOf({ collects }: FidelityResult): string {
  return collects ? 'Garbage collected before each look' : 'As it is'
}

function rowsOf(result: FidelityResult): string[][] {
  return (Object.keys(parts) as Part[]).map(part => [
    parts[part].title,
    ...percentilesOf(result, part).map(bytes => (bytes / 2 ** 20).toFixed(1)),
  ])
}

function linesOf({ budgetBytes }: FidelityRun, result: FidelityResult): string[] {
  const { samples, byStatus, idleBytes } = result
  const over = samples.filter(({ reserved }) => reserved > budgetBytes).length
  const requests = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`)
  return [
    `${samples.length} looks; reserved and real go together by ${correlation(result, 'reserved', 'real').toFixed(2)} (1 is all), reserved and what V8 and Buffers hold by ${correlation(result, 'reserved', 'held').toFixed(2)}. More than the budget was reserved in ${over} of them.`,
    `Idle ${Math.round(idleBytes / 2 ** 20)} MiB. Requests: ${requests.join(', ')}. The server: ${ending({ ...result, peakBytes: 0 })}.`,
  ]
}

export function footnote({ machine, budgetBytes, clients, seconds }: FidelityRun): string {
  return `${machineLine(machine)}. Budget ${budgetBytes / 2 ** 20} MiB, up to ${clients} clients for ${seconds} s, ten looks a second.`
}
