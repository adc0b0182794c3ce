import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import type { HelloRun } from './hello-result.ts'

export function helloTable({ results, runs, seconds }: HelloRun): string {
  const table = new Table({
    head: ['framework', 'route', 'in front', 'requests/s', 'over plain', 'CPU µs/request', 'over plain'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'right'],
    ...plainTable,
  })
  for (const result of results) {
    table.push([
      result.framework,
      result.route,
      result.contender,
      result.requestsPerSecond.median.toFixed(0),
      spread(spreadOf(result.requestRatios)),
      result.cpuMicroseconds.median.toFixed(1),
      spread(spreadOf(result.cpuRatios)),
    ])
  }
  return `${table.toString()}\nmedian (lowest to highest) of ${runs} runs of ${seconds} s, each beside a plain one`
}

function spread({ median, lowest, highest }: Spread): string {
  return `${median.toFixed(3)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`
}
