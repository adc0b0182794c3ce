import type { MemoryReading } from '../cage/memory-reading.ts'
import type { AttackTally } from '../fairness/load/attack.ts'
import { passedLimit, type Survival } from '../flood/flood-result.ts'
import type { Machine } from '../machine.ts'
import type { Column } from './columns.ts'
import type { Unanswered } from './refusal.ts'

/** One row on one column, once, as its file keeps it. The page is made from these alone. */
export interface CellResult extends Survival, Unanswered {
  readonly row: string
  readonly column: Column
  readonly run: number
  readonly measuredAt: string
  readonly machine: Machine
  /** Of the whole cell, from a fresh cage to an empty one. */
  readonly tookSeconds: number
  readonly peakOf: MemoryReading | undefined
  /** Until all were answered, or it was over. */
  readonly seconds: number
  readonly requests: number
  readonly answered: number
  /** Payload of what was answered. */
  readonly bytes: number
  /** Of all that were sent, repeated ones too. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly prober: Probed
  readonly attack?: AttackTally
}

/** What small requests got beside the load. */
export interface Probed {
  readonly requests: number
  readonly answered: number
  /** Of those answered; undefined where none was. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly mostMs: number | undefined
}

/** Lived, and within its limit: v1 counts sockets apart, and would let it live beyond. */
export function lived(result: CellResult): boolean {
  return result.ending.kind === 'alive' && !passedLimit(result)
}

/** MB/s of what was answered. */
export function goodput({ bytes, seconds }: CellResult): number {
  return bytes / 1e6 / seconds
}
