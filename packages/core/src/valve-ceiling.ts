import type { MemoryReading } from './memory-use.ts'

/** The valve shuts where so much of the limit is in use. Later is too late: what is promised already still comes. */
export const SHUTS_AT = 0.75

/** And opens only below this, so that a reading that wavers does not move it each time. */
export const OPENS_AT = 0.7

/** Both marks are so much lower while the kernel has to search for memory. */
const LOWER_WHILE_STALLED = 0.1

/** Part of the time that somebody waits for memory, from which on that is so. */
const STALLED_FROM = 0.1

/** What of the capacity stays open to newcomers, whatever the memory. */
export const FLOOR = 1 / 8

/** Looks, one each 50 ms, until a ceiling that has not helped is doubled. */
export const CALM_LOOKS = 20

/** So many of them until it is the capacity again. */
const MOST_CALM = CALM_LOOKS * Math.log2(1 / FLOOR)

/** How far newcomers may fill a budget, and what led there. */
export interface ValveState {
  readonly ceiling: number
  /** Looks since no more than the floor is reserved, and memory is short all the same. */
  readonly calm: number
}

export const OPEN: ValveState = Object.freeze({ ceiling: Number.POSITIVE_INFINITY, calm: 0 })

/**
 * The next state of a valve, by what is in use. Shut, it leaves newcomers an eighth of the capacity: those who are in
 * finish, and their memory comes free. Where next to nothing is reserved and memory is short all the same, it is not
 * in use by requests: V8 has not collected it, or it is somebody else's. To go on waiting would not help, so
 * the ceiling doubles each second, up to the capacity; and is the floor again as soon as more than that is reserved.
 */
export function nextCeiling(
  state: ValveState,
  { usedBytes, limitBytes, stalled }: MemoryReading,
  reserved: number,
  capacity: number,
): ValveState {
  const mark = state.ceiling === OPEN.ceiling ? SHUTS_AT : OPENS_AT
  if (usedBytes < (stalled < STALLED_FROM ? mark : mark - LOWER_WHILE_STALLED) * limitBytes) return OPEN
  const floor = Math.ceil(capacity * FLOOR)
  const calm = reserved > floor ? 0 : Math.min(MOST_CALM, state.calm + 1)
  return { ceiling: Math.min(capacity, floor * 2 ** Math.floor(calm / CALM_LOOKS)), calm }
}
