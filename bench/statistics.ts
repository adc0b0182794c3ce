/**
 * The nearest-rank percentile: always a value that was measured, never one between two.
 * @param percent above 0, up to 100
 * @returns NaN of nothing
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? Number.NaN
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted.length >> 1
  const middle = sorted.length % 2 === 1 ? [sorted[upper]] : [sorted[upper - 1], sorted[upper]]
  return middle.reduce<number>((sum, value) => sum + (value ?? Number.NaN) / middle.length, 0)
}

export interface Spread {
  readonly median: number
  readonly lowest: number
  readonly highest: number
  readonly count: number
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    lowest: Math.min(...values),
    highest: Math.max(...values),
    count: values.length,
  }
}
