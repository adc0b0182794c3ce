import { ByteBudget, type Reservation } from '@plimsoll/core'
import type { Contender, Semaphore } from '../contender.ts'

export const byteBudget: Contender = {
  name: 'ByteBudget',
  synchronous: true,
  cancels: true,
  weighs: true,
  make: (capacity, _unit, waiters) => new Bytes(capacity, waiters),
}

class Bytes implements Semaphore {
  readonly #budget: ByteBudget
  #held: Reservation | undefined

  constructor(capacity: number, waiters: number) {
    this.#budget = new ByteBudget({ capacity, queue: { limit: waiters } })
  }

  async fill(): Promise<void> {
    this.#held = await this.#budget.acquire(this.#budget.capacity)
  }

  open(): void {
    this.#held?.release()
  }

  async turn(bytes: number, signal?: AbortSignal): Promise<void> {
    const reservation = await this.#budget.acquire(bytes, signal && { signal })
    reservation.release()
  }

  pair(bytes: number): void {
    this.#budget.tryAcquire(bytes)?.release()
  }
}
