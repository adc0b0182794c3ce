import type { CageFigures } from '../cage/cage.ts'
import type { FloodEnding } from '../flood/flood-result.ts'
import type { Machine } from '../machine.ts'
import { percentile } from '../statistics.ts'
import type { Sample } from './sample.ts'

/** One server under the load. */
export interface FidelityResult {
  readonly collects: boolean
  readonly cage: CageFigures
  readonly ending: FloodEnding
  readonly byStatus: Readonly<Record<string, number>>
  readonly idleBytes: number
  readonly samples: readonly Sample[]
}

/** A run of the bench as fidelity.json keeps it; table and picture are made from this alone. */
export interface FidelityRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly budgetBytes: number
  readonly clients: number
  readonly seconds: number
  readonly results: readonly FidelityResult[]
}

/** What is looked at of each sample, and what it says. */
export const parts = {
  reserved: { title: 'reserved', of: ({ reserved }: Sample) => reserved },
  real: { title: 'real, over idle', of: ({ real }: Sample) => real },
  off: { title: '**off: real less reserved**', of: ({ real, reserved }: Sample) => real - reserved },
  unpaid: { title: 'promised, not arrived', of: ({ reserved, paidIn }: Sample) => reserved - paidIn },
  held: { title: 'V8 and Buffers', of: ({ held }: Sample) => held },
  kept: { title: 'freed, kept by V8 or malloc', of: ({ kept }: Sample) => kept },
  sockets: { title: 'sockets', of: ({ sockets }: Sample) => sockets },
  kernel: { title: 'kernel besides', of: ({ kernel }: Sample) => kernel },
} as const

export type Part = keyof typeof parts

export const PERCENTS = [1, 25, 50, 75, 99, 100] as const

/** Bytes of a part that so many of a hundred samples do not pass. */
export function percentilesOf({ samples }: FidelityResult, part: Part): number[] {
  const values = samples.map(parts[part].of)
  return PERCENTS.map(percent => percentile(values, percent))
}

/** How much of the ups and downs of one goes with those of the other (Pearson): 1 is all. */
export function correlation({ samples }: FidelityResult, one: Part, other: Part): number {
  const xs = samples.map(parts[one].of)
  const ys = samples.map(parts[other].of)
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
  const [mx, my] = [mean(xs), mean(ys)]
  const products = (as: readonly number[], a: number, bs: readonly number[], b: number): number =>
    as.reduce((sum, value, at) => sum + (value - a) * ((bs[at] ?? Number.NaN) - b), 0)
  return products(xs, mx, ys, my) / Math.sqrt(products(xs, mx, xs, mx) * products(ys, my, ys, my))
}
