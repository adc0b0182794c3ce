import type { SpanStats } from '@plimsoll/opentelemetry'
import type { Machine } from '../machine.ts'
import type { Contender } from './contenders.ts'

export interface AwaySample {
  readonly atMs: number
  readonly phase: string
  /** What a collection leaves, above what there was before. */
  readonly liveBytes: number
  /** By its own account; 0 where it has none. */
  readonly keptBytes: number
}

export interface PhaseReport {
  readonly phase: string
  readonly ended: number
  readonly peakLiveBytes: number
  readonly peakKeptBytes: number
  /** From the collector's return to its first span. */
  readonly firstAfterMs?: number
}

export interface AwayReport {
  readonly contender: Contender
  readonly made: number
  /** At the end; of a bounded one. */
  readonly stats?: SpanStats
  /** By the collector's count. */
  readonly received: number
  /** How often the sum was wrong, of all times that it was looked at. */
  readonly wrong: number
  readonly looks: number
  readonly longestExportMs: number
  readonly phases: readonly PhaseReport[]
  readonly samples: readonly AwaySample[]
}

export interface CostReport {
  readonly contender: Contender
  /** Of a span, from its start to its end; a figure for each round. */
  readonly microseconds: readonly number[]
  readonly longestExportMs: number
}

export interface TelemetryRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly maxBytes: number
  readonly away: readonly AwayReport[]
  readonly costs: readonly CostReport[]
}
