import type { Tally } from '../../flood/load/outcome.ts'
import type { AttackTally } from './attack.ts'

/** What the process that sends the load is told to play. */
export interface Order {
  readonly port: number
  readonly scenario: string
}

export interface LoadReport {
  /** In the scenario's order of honest requests. */
  readonly honest: readonly Tally[]
  readonly attack?: AttackTally
  readonly flood?: FloodTally
  readonly elapsedMs: number
}

export interface FloodTally {
  readonly tally: Tally
  /** Of each round, MB/s of what was answered. */
  readonly withRequests: readonly number[]
  readonly withoutRequests: readonly number[]
}
