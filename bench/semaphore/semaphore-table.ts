import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import type { Spread } from '../statistics.ts'
import { type Comparison, flatness, type SemaphoreRun } from './semaphore-result.ts'

export function semaphoreTable(run: SemaphoreRun): string {
  const table = new Table({
    head: ['', 'ByteBudget ns', 'async-sema ns', 'ratio'],
    colAligns: ['left', 'right', 'right', 'right'],
    ...plainTable,
  })
  table.push(row('tryAcquire + release', run.pair))
  for (const grant of run.grants) {
    table.push(row(`grant, ${grant.waiters.toLocaleString('en-US')} waiting`, grant))
  }
  table.push([
    'dearest grant over cheapest',
    flatness(run, 'byteBudgetNs').toFixed(2),
    flatness(run, 'asyncSemaNs').toFixed(2),
    '',
  ])
  return `${table.toString()}\nmedian (lowest to highest) of ${run.processes} processes`
}

function row(name: string, { byteBudgetNs, asyncSemaNs, ratio }: Comparison): string[] {
  return [name, spread(byteBudgetNs, 1), spread(asyncSemaNs, 1), spread(ratio, 2)]
}

function spread({ median, lowest, highest }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${lowest.toFixed(digits)} to ${highest.toFixed(digits)})`
}
