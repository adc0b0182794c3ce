import type { Machine } from '../machine.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import type { Contender } from './contenders.ts'
import type { InFront } from './in-front.ts'
import type { Measured } from './measure.ts'

/** One contender on one route, and its ratios to the plain server of its framework in the same round. */
export interface HelloResult {
  readonly route: string
  readonly framework: string
  readonly contender: InFront
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

/** @param runs of the contenders of one framework, in their order; the first of them is the plain server */
export function summarised(
  route: string,
  contenders: readonly Contender[],
  runs: readonly (readonly Measured[])[],
): HelloResult[] {
  const of = (index: number) => runs.map(run => run[index] as Measured)
  return contenders.map((contender, index) => resultOf(route, contender, of(index), of(0)))
}

function resultOf(
  route: string,
  { framework, inFront }: Contender,
  measured: readonly Measured[],
  plain: readonly Measured[],
): HelloResult {
  const requests = measured.map(run => run.requestsPerSecond)
  const cpu = measured.map(run => run.cpuMicrosecondsPerRequest)
  return {
    route,
    framework,
    contender: inFront,
    requestsPerSecond: spreadOf(requests),
    cpuMicroseconds: spreadOf(cpu),
    requestRatios: requests.map((value, run) => value / (plain[run]?.requestsPerSecond ?? Number.NaN)),
    cpuRatios: cpu.map((value, run) => value / (plain[run]?.cpuMicrosecondsPerRequest ?? Number.NaN)),
  }
}
