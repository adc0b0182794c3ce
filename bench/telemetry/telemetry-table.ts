import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import { median } from '../statistics.ts'
import type { AwayReport, CostReport, TelemetryRun } from './telemetry-result.ts'

const MiB = 2 ** 20
const NAMES = { bounded: 'BoundedSpanProcessor', batch: 'BatchSpanProcessor' }

export function telemetryTable({ away, costs, maxBytes }: TelemetryRun): string {
  const [bounded, batch] = away.map(report => report.phases)
  const table = new Table({
    head: ['collector', ...away.map(({ contender }) => `${NAMES[contender]}, live MiB`), 'by its account'],
    colAligns: ['left', 'right', 'right', 'right'],
    ...plainTable,
  })
  for (const [index, phase] of (bounded ?? []).entries()) {
    const figures = [phase, batch?.[index]].map(each => ((each?.peakLiveBytes ?? 0) / MiB).toFixed(1))
    table.push([phase.phase, ...figures, (phase.peakKeptBytes / MiB).toFixed(1)])
  }
  return [
    table.toString(),
    `peaks; the bound is ${maxBytes / MiB} MiB`,
    '',
    ...away.map(line),
    '',
    costLine(costs),
  ].join('\n')
}

function line({ contender, made, received, wrong, longestExportMs, phases }: AwayReport): string {
  const back = phases.at(-1)?.firstAfterMs
  const sum = contender === 'bounded' ? `; made = sent + dropped + kept, ${wrong} times wrong` : ''
  return (
    `${NAMES[contender]}: ${made} spans made, ${received} received${sum}; first span ` +
    `${back === undefined ? 'never' : `${back} ms`} after the collector was back; an export held the loop for ${longestExportMs.toFixed(1)} ms at most`
  )
}

function costLine(costs: readonly CostReport[]): string {
  const [bounded = Number.NaN, batch = Number.NaN] = costs.map(({ microseconds }) => median(microseconds))
  const longest = costs.map(
    ({ contender, longestExportMs }) => `${NAMES[contender]} ${longestExportMs.toFixed(1)} ms`,
  )
  return (
    `start, set, end of a span: ${bounded.toFixed(2)} µs, beside ${batch.toFixed(2)} µs: ${(bounded / batch).toFixed(2)} times; ` +
    `longest export: ${longest.join(', ')}`
  )
}
