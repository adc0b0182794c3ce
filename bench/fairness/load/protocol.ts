import type { Tally } from '../../flood/load/outcome.ts'
import type { AttackTally } from './attack.ts'

/** What the bench tells the process that sends the load, over the IPC channel of a fork. */
export type Command =
  | { readonly type: 'play'; readonly port: number; readonly scenario: string }
  | { readonly type: 'stop' }

/** And what it hears: progress while a scenario runs, then one of the others. */
export type Report =
  | { readonly type: 'progress'; readonly answered: number }
  | { readonly type: 'played'; readonly report: LoadReport }
  | { readonly type: 'failed'; readonly reason: string }

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
