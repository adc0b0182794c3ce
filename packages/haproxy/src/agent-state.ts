import type { Governor } from '@plimsoll/core'

/** Whose state an agent tells: a governor, or many as one. */
export type AgentSource = Pick<Governor, 'draining' | 'health' | 'stats'>

/** Memory of the container. */
export interface MemoryInUse {
  readonly usedBytes: number
  readonly limitBytes: number
}

/** What requests are like, and who else sends them. */
export interface AgentBounds {
  /** Bytes that a request holds on average. */
  readonly requestBytes: number
  /** Requests at once at most, however many fit. */
  readonly concurrency: number
  /** HAProxies that are told the same. */
  readonly proxies: number
}

/** From here on a pod is near its limit. Its valve has been shut for long then, where it has one. */
export const NEAR = 0.9

/** And below this no more, so that a reading that wavers does not move it each time. */
export const FAR = 0.8

/** For so long nothing is sent to a pod that is near its limit; then a little, since memory may stay high for other reasons. */
export const NEAR_MS = 5000

/** More at once than the budget holds on average: some bodies are smaller than that. */
const BEYOND_AVERAGE = 2

/**
 * What HAProxy is told, from what a governor holds: its weight by free bytes, its `maxconn` by what fits, and whether to send it
 * anything at all.
 */
export class AgentState {
  readonly #source: AgentSource
  readonly #bounds: AgentBounds
  #nearSince: number | undefined
  /** It was near for too long, or has nothing left to finish: until it is far again, it gets a little. */
  #floor = false

  constructor(source: AgentSource, bounds: AgentBounds) {
    this.#source = source
    this.#bounds = bounds
  }

  /** A line of HAProxy's agent protocol, without its end. */
  answer(memory: MemoryInUse, now: number): string {
    const { draining } = this.#source
    const near = this.#near(memory, now)
    if (draining || near === 'drain' || !this.#source.health().live) return 'up drain'
    const { capacity, available } = this.#source.stats()
    // There may be none of it.
    const free = near === 'floor' || available === 0 ? 0 : available / capacity
    // A weight of 0 is a drain, and a maxconn of 0 none at all.
    const weight = Math.max(1, Math.round(100 * free))
    return `up ready ${weight}% maxconn:${this.#maxconn(near === 'floor')}`
  }

  #near({ usedBytes, limitBytes }: MemoryInUse, now: number): 'far' | 'drain' | 'floor' {
    if (usedBytes < (this.#nearSince === undefined ? NEAR : FAR) * limitBytes) {
      this.#nearSince = undefined
      this.#floor = false
      return 'far'
    }
    this.#nearSince ??= now
    const { active, waiting } = this.#source.stats()
    // Who is idle finishes nothing, so waiting frees nothing; and V8 collects only when something is allocated.
    this.#floor ||= active + waiting === 0 || now - this.#nearSince >= NEAR_MS
    return this.#floor ? 'floor' : 'drain'
  }

  /** Those who are there, and as many more as fit. HAProxy counts those who are there, too. */
  #maxconn(floor: boolean): number {
    const { requestBytes, concurrency, proxies } = this.#bounds
    const { capacity, available, active, waiting } = this.#source.stats()
    const fit = waiting > 0 || floor ? 0 : Math.floor(available / requestBytes)
    const most = Math.min(concurrency, BEYOND_AVERAGE * Math.floor(capacity / requestBytes))
    return Math.max(1, Math.ceil(Math.min(most, active + waiting + fit) / proxies))
  }
}
