import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import { type FloodResult, survived } from './flood-result.ts'
import { Progress } from './progress.ts'
import { type FloodOptions, runFlood } from './run-flood.ts'
import { type Scenario, totalRequests } from './scenarios.ts'
import { mebibytes } from './wording.ts'

/** Of one scenario: MB/s of either server, and the ratio of the runs that stood side by side. */
export interface Throughput {
  readonly scenario: string
  readonly ungoverned: Spread
  readonly governed: Spread
  readonly ratio: Spread
  readonly highestPeakBytes: { readonly ungoverned: number; readonly governed: number }
}

/** No disk and no limit that matters, A B A B: whatever else the machine does falls on both. */
export async function measureThroughput(
  scenario: Scenario,
  runs: number,
  options: Omit<FloodOptions, 'governed'>,
): Promise<Throughput> {
  const ungoverned: FloodResult[] = []
  const governed: FloodResult[] = []
  for (let run = 1; run <= runs; run++) {
    for (const results of [ungoverned, governed]) {
      const kind = results === governed ? 'governed' : 'ungoverned'
      const label = `${scenario.name}, ${kind}, run ${run} of ${runs}`
      const progress = new Progress(label, totalRequests(scenario), options.limitBytes)
      const result = await runFlood(scenario, { ...options, governed: kind === 'governed' }, progress)
      progress.done(`${result.megabytesPerSecond.toFixed(0)} MB/s, peak ${mebibytes(result.peakBytes)}`)
      if (!survived(result)) {
        throw new Error(`${label}: ${result.answered} of ${result.requests} answered, ${result.ending.kind}`)
      }
      results.push(result)
    }
  }
  const speeds = (results: FloodResult[]) => results.map(result => result.megabytesPerSecond)
  const ratios = speeds(governed).map((speed, run) => speed / (speeds(ungoverned)[run] ?? Number.NaN))
  const peak = (results: FloodResult[]) => Math.max(...results.map(result => result.peakBytes))
  return {
    scenario: scenario.name,
    ungoverned: spreadOf(speeds(ungoverned)),
    governed: spreadOf(speeds(governed)),
    ratio: spreadOf(ratios),
    highestPeakBytes: { ungoverned: peak(ungoverned), governed: peak(governed) },
  }
}

export function throughputTable(rows: readonly Throughput[]): string {
  const table = new Table({
    head: ['scenario', 'ungoverned MB/s', 'peak', 'governed MB/s', 'peak', 'governed / ungoverned'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    ...plainTable,
  })
  for (const row of rows) {
    table.push([
      row.scenario,
      spread(row.ungoverned, 0),
      mebibytes(row.highestPeakBytes.ungoverned),
      spread(row.governed, 0),
      mebibytes(row.highestPeakBytes.governed),
      spread(row.ratio, 2),
    ])
  }
  return `${table.toString()}\nmedian (lowest to highest) of ${rows[0]?.ratio.count ?? 0} runs each`
}

function spread({ median, lowest, highest }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${lowest.toFixed(digits)} to ${highest.toFixed(digits)})`
}
