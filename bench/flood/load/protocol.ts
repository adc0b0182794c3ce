import type { Scenario } from '../scenarios.ts'
import type { Routes } from '../servers.ts'
import type { Tally } from './outcome.ts'

/** Where the load goes, and how much of it. */
export interface Target {
  readonly port: number
  /** Where downloads are stored beforehand: the flooded server's own port, or that of its upstream. */
  readonly storePort: number
  readonly routes: Routes
  readonly scenario: Scenario
}

/** What the bench tells its load generator, over the IPC channel of a fork. */
export type Command =
  | { readonly type: 'warm'; readonly target: Target }
  | { readonly type: 'store' }
  | { readonly type: 'flood' }
  | { readonly type: 'stop' }
  | { readonly type: 'verify' }

/** And what it hears: progress while a flood runs, and one answer to each command but 'stop'. */
export type Report =
  | { readonly type: 'progress'; readonly answered: number }
  | { readonly type: 'done'; readonly command: Command['type'] }
  | { readonly type: 'flooded'; readonly flood: FloodReport }
  | { readonly type: 'failed'; readonly reason: string }

export interface FloodReport {
  readonly elapsedMs: number
  readonly uploads: Tally
  readonly downloads: Tally
}
