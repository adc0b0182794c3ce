import type { GovernedRequest } from './governed-request.ts'
import { pathOf } from './request-head.ts'

/** A piece of work that goes on, and that the release of its request waits for. */
export interface HeldWork {
  /** What `hold` was told; `'unnamed'` where that was nothing. */
  readonly name: string
  /** Method and pattern of its request's route, as in the report; the path where that is not known yet. */
  readonly route: string
  /** Bytes that its request holds, all of it together. */
  readonly bytes: number
  /** For how long it has been held, in milliseconds. */
  readonly ageMs: number
  /** For how long its client has been gone, in milliseconds; undefined while it waits, and after its answer. */
  readonly clientGoneMs: number | undefined
}

/** All work that these requests hold, the oldest first. */
export function heldWorkOf(requests: Iterable<GovernedRequest>): HeldWork[] {
  const now = performance.now()
  const all: HeldWork[] = []
  for (const request of requests) {
    const { bytes } = request
    const { leftAt, held } = request.working()
    const clientGoneMs = leftAt === undefined ? undefined : now - leftAt
    for (const { name, since } of held)
      all.push({ name, route: routeOf(request), bytes, ageMs: now - since, clientGoneMs })
  }
  return all.sort((one, other) => other.ageMs - one.ageMs)
}

function routeOf({ req, row, route }: GovernedRequest): string {
  return row?.route ?? `${req.method} ${typeof route === 'string' ? route : pathOf(req)}`
}
