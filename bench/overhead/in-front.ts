import type { GovernorOptions } from '@plimsoll/core'

/** What stands in front of the routes, as its own documentation says to install it. */
export const inFront = {
  plain: 'nothing',
  plimsoll: 'Plimsoll',
  observing: 'Plimsoll, observing',
  'under-pressure': 'under-pressure',
  'overload-protection': 'overload-protection',
} as const

export type InFront = keyof typeof inFront

/** What Plimsoll is told there; undefined where it is not in front. */
export function governing(inFront: InFront): GovernorOptions | undefined {
  if (inFront === 'plimsoll') return { budget: '64MiB' }
  return inFront === 'observing' ? { budget: '64MiB', mode: 'observe' } : undefined
}

/** Checks all it can check, and refuses nothing: what is measured is a request that is let in. */
export const overloadLimits = {
  production: true,
  maxEventLoopDelay: 10_000,
  maxHeapUsedBytes: 2 ** 31,
  maxRssBytes: 2 ** 31,
} as const

export const pressureLimits = {
  maxEventLoopDelay: 10_000,
  maxHeapUsedBytes: 2 ** 31,
  maxRssBytes: 2 ** 31,
  maxEventLoopUtilization: 1,
} as const
