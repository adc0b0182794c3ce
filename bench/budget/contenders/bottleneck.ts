import Limiter from 'bottleneck'
import type { Contender, Semaphore } from '../contender.ts'

export const bottleneck: Contender = {
  name: 'bottleneck',
  synchronous: false,
  // `stop()` ends all waits at once.
  cancels: false,
  weighs: true,
  byTimer: true,
  make: capacity => new Weights(capacity),
}

class Weights implements Semaphore {
  readonly #limiter: Limiter
  readonly #capacity: number
  #open: (() => void) | undefined

  constructor(capacity: number) {
    this.#limiter = new Limiter({ maxConcurrent: capacity })
    this.#capacity = capacity
  }

  async fill(): Promise<void> {
    const opened = new Promise<void>(resolve => {
      this.#open = resolve
    })
    await new Promise<void>(begun => {
      void this.#limiter.schedule({ weight: this.#capacity }, () => {
        begun()
        return opened
      })
    })
  }

  open(): void {
    this.#open?.()
  }

  turn(bytes: number): Promise<void> {
    return this.#limiter.schedule({ weight: bytes }, nothing)
  }
}

async function nothing(): Promise<void> {}
