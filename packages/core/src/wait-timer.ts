/** Somebody who waits until a time at most. */
export interface Perishable {
  /** In whole milliseconds of `performance.now()`. */
  readonly dueAt: number
}

/**
 * One timer for all who wait equally long: they are due in the order they came. With a timer for each,
 * setting and clearing them is most of what a grant costs.
 */
export class WaitTimer<P extends Perishable> {
  readonly #oldest: () => P | undefined
  readonly #expire: (waiter: P) => void
  readonly #keepsProcess: boolean
  #timer: NodeJS.Timeout | undefined
  #armedFor = 0

  /**
   * @param oldest who is due first
   * @param expire ends a wait; `oldest` must be somebody else after that
   * @param keepsProcess whether a process goes on for nothing else
   */
  constructor(oldest: () => P | undefined, expire: (waiter: P) => void, keepsProcess = true) {
    this.#oldest = oldest
    this.#expire = expire
    this.#keepsProcess = keepsProcess
  }

  /** Sees to it that whoever waits is told in time. */
  start(now: number): void {
    if (this.#timer === undefined) this.#arm(now)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(now: number): void {
    const oldest = this.#oldest()
    if (oldest === undefined) return
    this.#armedFor = oldest.dueAt
    this.#timer = setTimeout(() => this.#onTimeout(), Math.max(0, oldest.dueAt - now))
    if (!this.#keepsProcess) this.#timer.unref()
  }

  /** Who was oldest when the timer was set may be granted by now; then it is set for the next. */
  #onTimeout(): void {
    // A timer may run a little ahead of the clock; what it was set for is due in any case.
    const now = Math.max(performance.now(), this.#armedFor)
    this.#timer = undefined
    let oldest = this.#oldest()
    while (oldest !== undefined && oldest.dueAt <= now) {
      this.#expire(oldest)
      oldest = this.#oldest()
    }
    this.start(now)
  }
}
