import type { Random } from '../soak/random.ts'
import type { Balancer, Reading } from './balancer.ts'
import { IndexedHeap } from './indexed-heap.ts'
import type { Request } from './request.ts'

/** A weight of 256 is the largest: HAProxy scales both sides by 16 more (SRV_EWGHT_MAX). */
const SCALE = 256
const TIES = 2 ** 20

/**
 * `balance leastconn` with `maxconn`: whoever has the least (connections + 1) / weight of those who are not full, and for an
 * idle one its weight is of no effect, as in HAProxy's lb_fwlc.c. Among equals one at random.
 */
export class Leastconn implements Balancer {
  readonly #random: Random
  readonly #served: Int32Array
  readonly #weight: Int32Array
  readonly #maxconn: Int32Array
  readonly #up: Uint8Array
  readonly #listens: boolean
  /** Those who are up and not full. */
  readonly #heap: IndexedHeap

  /** @param listens whether its limits and weights are those of the agents */
  constructor(pods: number, maxconn: number, listens: boolean, random: Random) {
    this.#random = random
    this.#listens = listens
    this.#served = new Int32Array(pods)
    this.#weight = new Int32Array(pods).fill(100)
    this.#maxconn = new Int32Array(pods).fill(maxconn)
    this.#up = new Uint8Array(pods).fill(1)
    this.#heap = new IndexedHeap(pods)
    for (let pod = 0; pod < pods; pod++) this.#requeue(pod)
  }

  choose(): number {
    return this.#heap.first
  }

  takes(pod: number): boolean {
    return this.#up[pod] === 1 && at(this.#served, pod) < at(this.#maxconn, pod)
  }

  sent({ pod }: Request): void {
    this.#served[pod] = at(this.#served, pod) + 1
    this.#requeue(pod)
  }

  left({ pod }: Request): void {
    this.#served[pod] = at(this.#served, pod) - 1
    this.#requeue(pod)
  }

  changed(pod: number, up: boolean): void {
    this.#up[pod] = up ? 1 : 0
    this.#requeue(pod)
  }

  told(pod: number, { weight, maxconn }: Reading): void {
    if (!this.#listens || (at(this.#weight, pod) === weight && at(this.#maxconn, pod) === maxconn)) return
    this.#weight[pod] = weight
    this.#maxconn[pod] = maxconn
    this.#requeue(pod)
  }

  #requeue(pod: number): void {
    if (!this.takes(pod)) {
      this.#heap.delete(pod)
      return
    }
    const served = at(this.#served, pod)
    const key = served === 0 ? 0 : Math.floor(((served + 1) * SCALE) / at(this.#weight, pod))
    this.#heap.set(pod, key + Math.floor(this.#random.next() * TIES) / TIES)
  }
}

function at(figures: Int32Array, pod: number): number {
  return figures[pod] as number
}
