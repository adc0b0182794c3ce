import type { Reading } from './balancer.ts'
import type { Pod } from './pod.ts'

/** What a request holds, where nobody says: a sixteenth of the budget. */
const PART = 16

/** More at once than the budget holds on average: some bodies are smaller than that. */
const BEYOND_AVERAGE = 2

/** What the agent of @plimsoll/haproxy tells of a pod that is far from its limit: a weight by free bytes, `maxconn` by what fits. */
export function readAgent({ admission, inside }: Pod, proxies: number): Reading {
  if (admission === undefined) return { freeBytes: 0, weight: 100, maxconn: 0 }
  const { capacity, available, waiting } = admission
  const fit = waiting > 0 ? 0 : Math.floor((available / capacity) * PART)
  const most = Math.min(BEYOND_AVERAGE * PART, inside + fit)
  return {
    freeBytes: available,
    weight: Math.max(1, Math.round((100 * available) / capacity)),
    maxconn: Math.max(1, Math.ceil(most / proxies)),
  }
}
