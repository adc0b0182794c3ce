import { type Cage, cageFigures, totalBytes } from '../cage/cage.ts'
import { percentile } from '../statistics.ts'
import type { FloodEnding, FloodResult } from './flood-result.ts'
import type { FloodReport } from './load/protocol.ts'
import { highest, type Sample } from './memory-recorder.ts'
import { type Scenario, totalRequests } from './scenarios.ts'
import type { TracedSpans } from './tracing.ts'

/** What was seen of one flood, from all sides. */
export interface Observed {
  readonly scenario: Scenario
  readonly governed: boolean
  readonly cage: Cage
  readonly report: FloodReport
  readonly ending: FloodEnding
  readonly idleBytes: number
  readonly startedMs: number
  readonly samples: readonly Sample[]
  readonly liveFrames: number | undefined
  readonly spans?: TracedSpans
}

export function summarised(observed: Observed): FloodResult {
  const { scenario, cage, report, startedMs } = observed
  const { uploads, downloads, elapsedMs } = report
  const latenciesMs = [...uploads.latenciesMs, ...downloads.latenciesMs]
  const during = observed.samples.filter(sample => sample.atMs >= startedMs)
  const peak = highest(during)
  const seconds = elapsedMs / 1000
  return {
    scenario: scenario.name,
    title: scenario.title,
    server: observed.governed ? 'governed' : 'ungoverned',
    cage: cageFigures(cage),
    requests: totalRequests(scenario),
    answered: uploads.answered + downloads.answered,
    byStatus: sum(uploads.byStatus, downloads.byStatus),
    ending: observed.ending,
    peakBytes: peak ? totalBytes(peak.reading) : 0,
    peakOf: peak?.reading,
    idleBytes: observed.idleBytes,
    liveFrames: observed.liveFrames,
    ...(observed.spans && { spans: observed.spans }),
    seconds,
    megabytesPerSecond: (uploads.bytes + downloads.bytes) / 1e6 / seconds,
    p50Ms: latenciesMs.length > 0 ? percentile(latenciesMs, 50) : undefined,
    p99Ms: latenciesMs.length > 0 ? percentile(latenciesMs, 99) : undefined,
    series: during.map(({ atMs, reading }) => [
      round((atMs - startedMs) / 1000, 1000),
      round(totalBytes(reading) / 2 ** 20, 10),
    ]),
  }
}

function sum(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const total = { ...a }
  for (const [key, value] of Object.entries(b)) total[key] = (total[key] ?? 0) + value
  return total
}

function round(value: number, parts: number): number {
  return Math.round(value * parts) / parts
}
