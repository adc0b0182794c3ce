import type { FloodResult } from '../flood/flood-result.ts'
import type { Framework } from '../flood/servers.ts'
import type { Advice, Tuning } from '../flood/tuning.ts'
import type { Machine } from '../machine.ts'
import { median } from '../statistics.ts'

/** Who has said what to set, with all runs of one flood. */
export interface Told {
  readonly tuning: Tuning
  readonly runs: readonly FloodResult[]
}

/** All of one flood. */
export interface Flooded {
  readonly scenario: string
  readonly told: readonly Told[]
}

/** A run of the bench as advice-….json keeps it. */
export interface AdviceRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly framework: Framework
  readonly limitBytes: number
  readonly advice: Advice
  /** In the words of the report. */
  readonly because: string
  readonly floods: readonly Flooded[]
}

/** MB/s in the median. */
export function goodput({ runs }: Told): number {
  return median(runs.map(run => run.megabytesPerSecond))
}

/** The fastest of those that were tuned by hand, and have answered everybody each time. */
export function bestByHand({ told }: Flooded): Told | undefined {
  return told
    .filter(({ tuning, runs }) => tuning.by === 'hand' && runs.every(isWhole))
    .sort((one, other) => goodput(other) - goodput(one))[0]
}

export function isWhole({ ending, answered, requests }: FloodResult): boolean {
  return ending.kind === 'alive' && answered === requests
}
