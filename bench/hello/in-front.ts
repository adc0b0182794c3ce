import type { GovernorOptions } from '@plimsoll/core'

/** What stands in front of the hello route, as its own documentation says to install it. */
export type InFront = 'plain' | 'plimsoll' | 'observing' | 'under-pressure'

/** What Plimsoll is told there; undefined where it is not in front. */
export function governing(inFront: InFront): GovernorOptions | undefined {
  if (inFront === 'plimsoll') return { budget: '64MiB' }
  return inFront === 'observing' ? { budget: '64MiB', mode: 'observe' } : undefined
}
