import type { AttackTally } from '../../fairness/load/attack.ts'
import type { Tally } from '../../flood/load/outcome.ts'

/** What one process of clients is told to play. */
export interface Order {
  readonly port: number
  readonly row: string
  readonly brief: boolean
  /** All of the row; or the small requests beside it, until it is told to stop. */
  readonly part: 'load' | 'prober'
}

export interface Played {
  /** Of what is counted: each request as often as it was sent. */
  readonly tally: Tally
  readonly attack?: AttackTally
  readonly elapsedMs: number
}
