import type { Balancer } from './balancer.ts'
import { IndexedHeap } from './indexed-heap.ts'
import type { Pod } from './pod.ts'
import type { Request } from './request.ts'
import { world } from './world.ts'

/** So many links fill a pod's bandwidth. */
const LINKS = world.bytesPerSecond / world.linkBytesPerSecond

/**
 * What nobody can be: it knows of each pod how many bytes are free at this moment and how many share its bandwidth, and sends
 * nothing to one that would make it wait.
 */
export class Omniscient implements Balancer {
  readonly #pods: readonly Pod[]
  /** The one first that is used least, by bytes and bandwidth. */
  readonly #used: IndexedHeap
  /** The one first with the most free bytes. */
  readonly #full: IndexedHeap

  constructor(pods: readonly Pod[]) {
    this.#pods = pods
    this.#used = new IndexedHeap(pods.length)
    this.#full = new IndexedHeap(pods.length)
    for (const id of pods.keys()) this.#requeue(id)
  }

  choose(request: Request): number {
    if (this.takes(this.#used.first, request)) return this.#used.first
    return this.takes(this.#full.first, request) ? this.#full.first : -1
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
    const pod = this.#pods[id] as Pod
    const reserved = pod.admission?.reserved ?? 0
    this.#full.set(id, reserved)
    this.#used.set(id, reserved / world.budgetBytes + pod.inside / LINKS)
  }
}
