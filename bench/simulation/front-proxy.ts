import type { Balancer, Reading } from './balancer.ts'
import { Fifo } from './fifo.ts'
import type { Request } from './request.ts'

/** Pods as one kind of request sees them, and those of its kind that wait for one: first come, first served. */
export interface Backend {
  readonly balancer: Balancer
  readonly queue: Fifo<Request>
}

/** A front proxy: one of several that see a part of the load each, and know nothing of each other. */
export class FrontProxy {
  readonly #large: Backend
  readonly #small: Backend
  readonly #smallBytes: number
  readonly #backends: readonly Backend[]

  /**
   * @param small for bodies up to `smallBytes`, where they go another way
   */
  constructor(large: Balancer, small: Balancer | undefined, smallBytes: number) {
    this.#large = { balancer: large, queue: new Fifo() }
    this.#small = small === undefined ? this.#large : { balancer: small, queue: new Fifo() }
    this.#smallBytes = smallBytes
    this.#backends = small === undefined ? [this.#large] : [this.#large, this.#small]
  }

  /** How many wait here. */
  get waiting(): number {
    return this.#backends.reduce((sum, { queue }) => sum + queue.count(hasPatience), 0)
  }

  /** A pod for a request that has just come; -1 where it has to wait here. */
  choose(request: Request): number {
    const { balancer, queue } = this.#backend(request)
    // Who waits already has the first place that comes free.
    const pod = queue.length === 0 ? balancer.choose(request) : -1
    if (pod === -1) queue.push(request)
    return pod
  }

  sent(request: Request): void {
    this.#backend(request).balancer.sent(request)
  }

  left(request: Request): void {
    this.#backend(request).balancer.left(request)
  }

  changed(pod: number, up: boolean): void {
    for (const { balancer } of this.#backends) balancer.changed(pod, up)
  }

  told(pod: number, reading: Reading): void {
    for (const { balancer } of this.#backends) balancer.told(pod, reading)
  }

  /** Whoever waits here and may go to this pod. */
  next(pod: number): Request | undefined {
    for (const { balancer, queue } of this.#backends) {
      let { first } = queue
      while (first !== undefined && !hasPatience(first)) {
        queue.shift()
        first = queue.first
      }
      if (first !== undefined && balancer.takes(pod, first)) return queue.shift()
    }
    return undefined
  }

  #backend({ bytes }: Request): Backend {
    return bytes <= this.#smallBytes ? this.#small : this.#large
  }
}

/** Those who have left stand in the queue still. */
function hasPatience({ waitsSince }: Request): boolean {
  return waitsSince !== -1
}
