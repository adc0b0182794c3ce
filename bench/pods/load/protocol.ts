/** Clients that each send one upload after another, of mixed sizes. */
export interface MixedLoad {
  readonly port: number
  readonly clients: number
  /** In all; without it they go on until they are told to stop. */
  readonly requests?: number
  readonly seed: number
}

export type Command = { readonly type: 'run'; readonly load: MixedLoad } | { readonly type: 'stop' }

/** One request, once it has ended. */
export interface Ended {
  /** `Date.now()`, which other processes have too. */
  readonly atMs: number
  readonly bytes: number
  readonly latencyMs: number
  /** The status; the error's code where none was read. */
  readonly status: string
  readonly answered: boolean
}

export type Report =
  | { readonly type: 'progress'; readonly answered: number }
  | { readonly type: 'over'; readonly seconds: number; readonly ended: readonly Ended[] }
  | { readonly type: 'failed'; readonly reason: string }
