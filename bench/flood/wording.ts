import { spreadOf } from '../statistics.ts'
import { type FloodResult, passedLimit, type Survival } from './flood-result.ts'
import type { Repeated } from './repeated.ts'

/** The words and figures that table, picture and last line have in common. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20).toLocaleString('en-US')} MiB`
}

export function seconds(value: number): string {
  return `${value.toFixed(1)} s`
}

export function latency(ms: number | undefined): string {
  if (ms === undefined) return '–'
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : seconds(ms / 1_000)
}

export function answered({ answered, requests }: FloodResult): string {
  return `${answered} of ${requests}`
}

/** Of several runs: the fewest and the most, where they differ. */
export function answeredInRuns({ runs, typical }: Repeated): string {
  const { lowest, highest } = spreadOf(runs.map(run => run.answered))
  return lowest === highest ? answered(typical) : `${lowest} to ${highest} of ${typical.requests}`
}

export function ending(result: Survival): string {
  const { ending } = result
  switch (ending.kind) {
    case 'alive':
      return passedLimit(result) ? 'alive, over the limit' : 'alive'
    case 'killed for memory':
      return ending.killer === 'supervisor'
        ? `killed by the supervisor, exit ${ending.exitCode}`
        : `OOM-killed, exit ${ending.exitCode}`
    case 'died':
      return `died, exit ${ending.exitCode}, not of memory`
    case 'does not answer':
      return 'does not answer any more'
    case 'stopped':
      return `stopped after ${seconds(ending.afterSeconds)}`
  }
}

export function endings({ runs }: Repeated): string {
  return [...new Set(runs.map(ending))].join('; ')
}

/** What is seen of a process that is killed ends a moment before its highest point. */
export function peak({ ending, peakBytes }: Survival): string {
  return ending.kind === 'killed for memory' ? `≥ ${mebibytes(peakBytes)}` : mebibytes(peakBytes)
}

/** Of several runs: the median, and from where to where. */
export function peaks({ runs, typical }: Repeated): string {
  if (runs.length === 1) return peak(typical)
  const { lowest, highest } = spreadOf(runs.map(run => Math.round(run.peakBytes / 2 ** 20)))
  return `${peak(typical)} (${lowest} to ${highest})`
}

/** A flooded server may die with a question for its metrics unanswered. */
export function liveFrames({ ending, liveFrames }: FloodResult): string {
  if (liveFrames === undefined) return '–'
  return ending.kind === 'killed for memory' ? `≥ ${liveFrames}` : String(liveFrames)
}

/** Undefined where the kernel held the limit. */
export function standIn(results: readonly Survival[]): string | undefined {
  if (standInReason(results) === undefined) return undefined
  return 'NOT A REAL CONTAINER: a supervisor stood in for the kernel. It sees resident memory only and kills a moment late.'
}

export function standInReason(results: readonly Survival[]): string | undefined {
  return results.find(result => result.cage.standsInBecause !== undefined)?.cage.standsInBecause
}
