import { type Link, LinkedList } from './linked-list.ts'

/** Somebody who waits until a time at most. */
export interface Perishable {
  /** On the clock of `performance.now()`. */
  readonly dueAt: number
  /** Its place among the deadlines, which belongs to them. */
  readonly deadline: Link<Perishable>
  /** Its time is up. Must take itself out. */
  expire(): void
}

/**
 * The deadlines of all who wait equally long, behind one timer: they are due in the order they came.
 * With a timer for each, setting and clearing them is most of what a grant costs.
 */
export class WaitDeadlines {
  readonly #deadlines = new LinkedList<Perishable>()
  #timer: NodeJS.Timeout | undefined
  #armedFor = 0

  add(waiter: Perishable): void {
    this.#deadlines.add(waiter.deadline)
    if (this.#timer === undefined) this.#arm(performance.now())
  }

  remove(waiter: Perishable): void {
    this.#deadlines.remove(waiter.deadline)
    if (this.#deadlines.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(now: number): void {
    const first = this.#deadlines.first?.owner
    if (first === undefined) return
    this.#armedFor = first.dueAt
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, Math.ceil(first.dueAt - now)))
  }

  #expire(): void {
    // The timer may run a little ahead of the clock; what it was set for is due in any case.
    const now = Math.max(performance.now(), this.#armedFor)
    this.#timer = undefined
    let first = this.#deadlines.first?.owner
    while (first !== undefined && first.dueAt <= now) {
      first.expire()
      first = this.#deadlines.first?.owner
    }
    this.#arm(now)
  }
}
