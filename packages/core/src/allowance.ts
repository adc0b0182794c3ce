/** A client or two that ask for one thing after the other must not notice: twice what the kernel has of one connection. */
export const LEAST_FREE = 8 * 2 ** 20

/** How much of what requests have left that are over is more than a part of the capacity, which it may be for nothing. */
export function beyondAllowance(bytes: number, capacity: number, part: number): number {
  return Math.max(0, bytes - Math.max(LEAST_FREE, capacity * part))
}
