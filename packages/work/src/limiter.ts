import { AsyncResource } from 'node:async_hooks'
import pLimit, { type LimitFunction } from 'p-limit'

/** What waits for its turn, or runs. */
export type Job = () => Promise<void>

/**
 * So many jobs at once, the others in their order. p-limit runs them; they wait here, since a waiter can't leave its
 * queue: what has been given up would stand there until its turn, and all that hangs on it.
 */
export class Limiter {
  readonly #limit: LimitFunction
  readonly #concurrency: number
  /** Each as it is to be run: in the context of whoever has brought it, not of whose end makes room. */
  readonly #waiting = new Map<Job, Job>()
  #running = 0
  /** How many jobs those who share it may have here at once, all together. */
  #places = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
    this.#limit = pLimit(concurrency)
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Whether somebody may have so many jobs here at once, beside all others and no more than `most` together. */
  tryEnter(places: number, most: number): boolean {
    if (this.#places + places > most) return false
    this.#places += places
    return true
  }

  /** Gives back what `tryEnter` has given. */
  exit(places: number): void {
    this.#places -= places
  }

  /** Runs a job when it is its turn; not before the next promise turn. It must not reject. */
  run(job: Job): void {
    this.#waiting.set(job, AsyncResource.bind(job))
    this.#drain()
  }

  /** Takes out a job that waits; false where it runs by now. */
  leave(job: Job): boolean {
    return this.#waiting.delete(job)
  }

  #drain(): void {
    for (const [job, bound] of this.#waiting) {
      if (this.#running >= this.#concurrency) return
      this.#waiting.delete(job)
      this.#running++
      this.#limit(bound).then(() => {
        this.#running--
        this.#drain()
      })
    }
  }
}
