import { Semaphore as Weighted } from 'async-mutex'
import type { Contender, Semaphore } from '../contender.ts'

export const asyncMutex: Contender = {
  name: 'async-mutex',
  synchronous: false,
  // `cancel()` ends all waits at once, and `withTimeout` leaves the waiter where it stands.
  cancels: false,
  weighs: true,
  make: (capacity, unit) => new Units(capacity / unit, unit),
}

/** With nobody waiting, each release walks through all that is free: so it counts in the largest unit there is. */
class Units implements Semaphore {
  readonly #semaphore: Weighted
  readonly #unit: number
  readonly #count: number

  constructor(count: number, unit: number) {
    this.#semaphore = new Weighted(count)
    this.#unit = unit
    this.#count = count
  }

  async fill(): Promise<void> {
    await this.#semaphore.acquire(this.#count)
  }

  open(): void {
    this.#semaphore.release(this.#count)
  }

  async turn(bytes: number): Promise<void> {
    const [, release] = await this.#semaphore.acquire(bytes / this.#unit)
    release()
  }
}
