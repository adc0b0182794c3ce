const LEAST_LANE = 256 * 1024

/** The largest request of a lane that there is not. */
export const NO_LANE = -1

/**
 * Bytes for small requests beside a budget, where nobody says otherwise. Of one so small that a lane would be a part of it to
 * speak of, there is none.
 *
 * @internal
 */
export function laneBeside(budget: number): number {
  return budget < 16 * LEAST_LANE ? 0 : Math.max(LEAST_LANE, Math.floor(budget / 256))
}

/**
 * Up to so many bytes a request may take a lane: a power of two.
 *
 * @internal
 */
export function smallFor(lane: number): number {
  return lane > 0 ? 2 ** Math.floor(Math.log2(lane / 4)) : NO_LANE
}
