import type { ByteSize, GovernorOptions, QueueOptions } from '@plimsoll/core'
import type { Route } from './framework.ts'
import type { Trial } from './trial.ts'

/** What must hold of every adapter, in one situation. */
export interface Scenario {
  /** The property. */
  readonly name: string
  /** Left out: all. HTTP/2 has no requests as text, and no pipelining. */
  readonly protocols?: readonly ('http' | 'https' | 'http2')[]
  /** Of the server. Default: a budget of 1 MiB. */
  readonly options?: ScenarioOptions
  /** Beside those that every trial has. */
  readonly routes?: (trial: Trial) => readonly Route[]
  /** Not where the budget refuses at random: its clients are in another process, and not known to the trial, or it takes seconds. */
  readonly once?: true
  /** It closes the governor, so nobody is served after it. */
  readonly closes?: true
  /** Throws where the property does not hold. */
  run(trial: Trial): Promise<void>
}

export interface ScenarioOptions extends Omit<GovernorOptions, 'budget' | 'queue' | 'logger'> {
  readonly budget?: ByteSize
  readonly queue?: QueueOptions
}

export const HTTP1 = ['http', 'https'] as const
