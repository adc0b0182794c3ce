import type { GovernorReport } from '@plimsoll/core'

/** A request that is under way, on average. */
export interface TypicalRequest {
  /** Bytes that it holds. */
  readonly bytes: number
  /** Bytes that the largest hold, of 99 in 100 of each route. */
  readonly largestBytes: number
  /** How long it holds them, in milliseconds. */
  readonly heldMs: number
}

/**
 * Of all requests under way at some moment, what one holds: each route counts by how many there are and how long
 * they take. By medians, since a report has no means.
 *
 * @returns undefined where no request held anything
 */
export function typicalRequest({ routes }: GovernorReport): TypicalRequest | undefined {
  let requests = 0
  let heldMs = 0
  let byteMs = 0
  for (const route of routes) {
    const together = route.requests * route.heldMs.p50
    requests += route.requests
    heldMs += together
    byteMs += together * route.reservedBytes.p50
  }
  if (byteMs === 0) return undefined
  const largestBytes = Math.max(...routes.map(({ reservedBytes }) => reservedBytes.p99))
  return { bytes: byteMs / heldMs, largestBytes, heldMs: heldMs / requests }
}
