import type { Balancer } from './balancer.ts'
import { IndexedHeap } from './indexed-heap.ts'
import type { Pod } from './pod.ts'
import type { Request } from './request.ts'

/** What nobody can be: it knows of each pod how much is free at this moment, and sends nothing to one that would make it wait. */
export class Omniscient implements Balancer {
  readonly #pods: readonly Pod[]
  /** The one with the most free bytes first. */
  readonly #heap: IndexedHeap

  constructor(pods: readonly Pod[]) {
    this.#pods = pods
    this.#heap = new IndexedHeap(pods.length)
    for (const id of pods.keys()) this.#requeue(id)
  }

  choose(request: Request): number {
    const { first } = this.#heap
    return first !== -1 && this.takes(first, request) ? first : -1
  }

  takes(pod: number, { bytes }: Request): boolean {
    const admission = this.#pods[pod]?.admission
    if (admission === undefined) return false
    // Who is small has a lane besides.
    return bytes <= admission.available || admission.isSmall(bytes)
  }

  sent({ pod }: Request): void {
    this.#requeue(pod)
  }

  left({ pod }: Request): void {
    this.#requeue(pod)
  }

  changed(): void {}

  told(): void {}

  #requeue(id: number): void {
    this.#heap.set(id, -(this.#pods[id]?.admission?.available ?? 0))
  }
}
