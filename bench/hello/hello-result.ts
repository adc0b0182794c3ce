import type { Machine } from '../machine.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import type { Measured } from './measure.ts'

/** One contender on one route, and its ratios to the plain server of the same round. */
export interface HelloResult {
  readonly route: string
  readonly contender: string
  readonly requestsPerSecond: Spread
  readonly cpuMicroseconds: Spread
  readonly requestRatios: readonly number[]
  readonly cpuRatios: readonly number[]
}

export interface HelloRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly runs: number
  readonly seconds: number
  readonly results: readonly HelloResult[]
}

export function summarised(
  route: string,
  contender: string,
  measured: readonly Measured[],
  plain: readonly Measured[],
): HelloResult {
  const requests = measured.map(run => run.requestsPerSecond)
  const cpu = measured.map(run => run.cpuMicrosecondsPerRequest)
  return {
    route,
    contender,
    requestsPerSecond: spreadOf(requests),
    cpuMicroseconds: spreadOf(cpu),
    requestRatios: requests.map((value, run) => value / (plain[run]?.requestsPerSecond ?? Number.NaN)),
    cpuRatios: cpu.map((value, run) => value / (plain[run]?.cpuMicrosecondsPerRequest ?? Number.NaN)),
  }
}
