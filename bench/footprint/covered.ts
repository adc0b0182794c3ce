import { FLOATING_BYTES } from '../../packages/core/src/memory-limit.ts'
import type { LinearCost } from '../../packages/core/src/report.ts'
import { type FootprintResult, type Load, perByte, typicalPeaks } from './footprint-result.ts'

/** Loads that took more than they would have reserved, with what every budget leaves for garbage beside it. */
export function uncovered(result: FootprintResult, { fixed, perByte }: LinearCost): Load[] {
  return typicalPeaks(result).filter(
    ({ bytes, atOnce, peakBytes }) => peakBytes > atOnce * (fixed + perByte * bytes) + FLOATING_BYTES,
  )
}

/** Of several frameworks: what a byte takes in the one where it takes most. */
export function worst(results: readonly FootprintResult[]): number {
  return Math.max(...results.map(perByte))
}
