import { AsyncResource } from 'node:async_hooks'
import pLimit, { type LimitFunction } from 'p-limit'

/** What waits for its turn, or runs. */
export type Job = () => Promise<void>

/** Where the jobs of one call wait, in their order. */
export interface Line {
  readonly age: number
  readonly places: number
  /** Each as it is to be run: in the context of whoever has brought it, not of whose end makes room. */
  readonly waiting: Map<Job, Job>
}

/**
 * So many jobs at once; of those that wait, first those of the oldest call. Were calls served in turns, all of them would
 * hold results at once, and none be done. p-limit runs them; they wait here, since a waiter can't leave its queue: what
 * has been given up would stand there until its turn, and all that hangs on it.
 */
export class Limiter {
  readonly #limit: LimitFunction
  readonly #concurrency: number
  /** Of the calls that have entered, the oldest first. */
  readonly #lines: Line[] = []
  /** When a request has called first: what came of that it holds while it waits again. */
  readonly #ages = new WeakMap<object, number>()
  #calls = 0
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
    return this.#lines.reduce((sum, { waiting }) => sum + waiting.size, 0)
  }

  /**
   * A line for a call that may have so many jobs here at once, beside all others and no more than `most` together;
   * undefined where there is no place.
   *
   * @param request whose call it is: it is as old as the first of that
   */
  tryEnter(places: number, most: number, request: object = {}): Line | undefined {
    if (this.#places + places > most) return undefined
    this.#places += places
    const age = this.#ages.get(request) ?? this.#calls++
    this.#ages.set(request, age)
    const line = { age, places, waiting: new Map() }
    // Mostly it is the youngest.
    this.#lines.splice(this.#lines.findLastIndex(other => other.age <= age) + 1, 0, line)
    return line
  }

  /** Gives back what `tryEnter` has given. */
  exit(line: Line): void {
    this.#places -= line.places
    this.#lines.splice(this.#lines.indexOf(line), 1)
  }

  /** Runs a job when it is its turn; not before the next promise turn. It must not reject. */
  run(job: Job, line: Line): void {
    line.waiting.set(job, AsyncResource.bind(job))
    this.#drain()
  }

  /** Takes out a job that waits; false where it runs by now. */
  leave(job: Job, line: Line): boolean {
    return line.waiting.delete(job)
  }

  #drain(): void {
    for (const { waiting } of this.#lines) {
      for (const [job, bound] of waiting) {
        if (this.#running >= this.#concurrency) return
        waiting.delete(job)
        this.#running++
        this.#limit(bound).then(() => {
          this.#running--
          this.#drain()
        })
      }
    }
  }
}
