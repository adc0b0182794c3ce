import { Sema } from 'async-sema'
import type { Contender, Semaphore } from '../contender.ts'

export const asyncSema: Contender = {
  name: 'async-sema',
  synchronous: true,
  cancels: false,
  weighs: false,
  make: (capacity, unit, waiters) => new Tokens(capacity / unit, waiters),
}

class Tokens implements Semaphore {
  readonly #sema: Sema
  readonly #count: number

  constructor(count: number, waiters: number) {
    this.#sema = new Sema(count, { capacity: waiters })
    this.#count = count
  }

  async fill(): Promise<void> {
    for (let taken = 0; taken < this.#count; taken++) await this.#sema.acquire()
  }

  open(): void {
    for (let taken = 0; taken < this.#count; taken++) this.#sema.release()
  }

  async turn(): Promise<void> {
    const token = await this.#sema.acquire()
    this.#sema.release(token)
  }

  pair(): void {
    const token = this.#sema.tryAcquire()
    this.#sema.release(token)
  }
}
