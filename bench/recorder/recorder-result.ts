import type { CageFigures } from '../cage/cage.ts'
import type { Machine } from '../machine.ts'
import type { Spread } from '../statistics.ts'
import type { Killed } from './kill-under-load.ts'

export interface RecorderRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly cage: CageFigures
  /** CPU microseconds. */
  readonly look: Spread
  readonly sample: Spread
  /** Part of a hello server's CPU that goes into measuring requests for the report, by the mode of its governor. */
  readonly report: { readonly enforce: Spread; readonly observe: Spread }
  readonly kills: readonly Killed[]
}

/** How often each is done by default. */
export const LOOKS_PER_SECOND = 20
export const SAMPLES_PER_SECOND = 1

/** The oldest that the last sample may be. */
export const OLDEST_MS = 2000

/** In percent of one core. */
export function partOfCpu(microseconds: number, perSecond: number): number {
  return (microseconds * perSecond) / 10_000
}
