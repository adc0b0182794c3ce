import type { Random } from '../soak/random.ts'
import type { Balancer, Reading } from './balancer.ts'

/**
 * By the free bytes that agents told last: the freer one of two at random, or the freest of all, to which everybody goes until
 * it is asked again. No limit by number: who finds no room waits in the pod.
 */
export class ByReading implements Balancer {
  readonly #random: Random
  readonly #freeBytes: Float64Array
  readonly #up: Uint8Array
  readonly #choices: number

  /** @param choices how many are compared; Infinity: all */
  constructor(pods: number, choices: number, random: Random) {
    this.#random = random
    this.#freeBytes = new Float64Array(pods)
    this.#up = new Uint8Array(pods).fill(1)
    this.#choices = choices
  }

  choose(): number {
    const pods = this.#up.length
    const all = this.#choices >= pods
    let best = -1
    let most = -1
    for (let i = 0; i < Math.min(this.#choices, pods); i++) {
      const pod = all ? i : Math.floor(this.#random.next() * pods)
      const free = this.#freeBytes[pod] as number
      if (this.#up[pod] === 1 && free > most) {
        best = pod
        most = free
      }
    }
    return best
  }

  takes(pod: number): boolean {
    return this.#up[pod] === 1
  }

  sent(): void {}

  left(): void {}

  changed(pod: number, up: boolean): void {
    this.#up[pod] = up ? 1 : 0
  }

  told(pod: number, { freeBytes }: Reading): void {
    this.#freeBytes[pod] = freeBytes
  }
}
