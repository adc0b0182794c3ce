import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import { CONTENDERS, type Contender } from './contenders.ts'
import type { AwayReport, CostReport, PhaseReport, TelemetryRun } from './telemetry-result.ts'

const MiB = 2 ** 20
const NAMES = { bounded: 'BoundedSpanProcessor', batch: 'BatchSpanProcessor' }

export function telemetryTable({ away, costs, maxBytes }: TelemetryRun): string {
  const of = (contender: Contender): AwayReport[] => away.filter(report => report.contender === contender)
  const table = new Table({
    head: ['collector', ...CONTENDERS.map(contender => `${NAMES[contender]}, live MiB`), 'by its account'],
    colAligns: ['left', 'right', 'right', 'right'],
    ...plainTable,
  })
  for (const [index, { phase }] of (away[0]?.phases ?? []).entries()) {
    const peaks = (contender: Contender, peak: keyof PhaseReport & `peak${string}`): string =>
      spread(spreadOf(of(contender).map(({ phases }) => (phases[index]?.[peak] ?? 0) / MiB)))
    const live = CONTENDERS.map(contender => peaks(contender, 'peakLiveBytes'))
    table.push([phase, ...live, peaks('bounded', 'peakKeptBytes')])
  }
  return [
    table.toString(),
    `peaks, median (lowest to highest) of ${of('bounded').length} runs; the bound is ${maxBytes / MiB} MiB`,
    '',
    ...CONTENDERS.flatMap(contender => linesOf(contender, of(contender))),
    '',
    costLine(costs),
  ].join('\n')
}

function linesOf(contender: Contender, reports: readonly AwayReport[]): readonly string[] {
  const back = reports.map(({ phases }) => phases.at(-1)?.firstAfterMs ?? Number.POSITIVE_INFINITY)
  const longest = reports.map(({ longestExportMs }) => longestExportMs)
  return [
    `${NAMES[contender]}: first span ${spread(spreadOf(back), 0)} ms after the collector was back; an export held the ` +
      `loop for ${spread(spreadOf(longest))} ms at most`,
    ...reports.map(({ made, received, stats, wrong, looks }) =>
      stats === undefined
        ? `  ${made} made, ${received} received`
        : `  ${made} made = ${stats.sent} sent + ${stats.dropped} dropped + ${stats.kept} kept, wrong in ${wrong} of ${looks} looks; ` +
          `${received} received`,
    ),
  ]
}

function costLine(costs: readonly CostReport[]): string {
  const [bounded, batch] = costs.map(({ microseconds }) => spreadOf(microseconds))
  const ratios = costs[0]?.microseconds.map(
    (each, round) => each / (costs[1]?.microseconds[round] ?? Number.NaN),
  )
  const longest = costs.map(
    ({ contender, longestExportMs }) => `${NAMES[contender]} ${longestExportMs.toFixed(1)} ms`,
  )
  return (
    `start, set, end of a span: ${spread(bounded, 2)} µs, beside ${spread(batch, 2)} µs: ${spread(ratios && spreadOf(ratios), 2)} times; ` +
    `longest export: ${longest.join(', ')}`
  )
}

function spread(of: Spread | undefined, digits = 1): string {
  if (of === undefined) return '–'
  const { median, lowest, highest } = of
  return `${median.toFixed(digits)} (${lowest.toFixed(digits)} to ${highest.toFixed(digits)})`
}
