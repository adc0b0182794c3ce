import PQueue from 'p-queue'
import type { Contender, Semaphore } from '../contender.ts'

export const pQueue: Contender = {
  name: 'p-queue',
  synchronous: false,
  cancels: true,
  weighs: false,
  make: (capacity, unit) => new Tasks(capacity / unit),
}

class Tasks implements Semaphore {
  readonly #queue: PQueue
  readonly #count: number
  #open: (() => void) | undefined

  constructor(count: number) {
    this.#queue = new PQueue({ concurrency: count })
    this.#count = count
  }

  async fill(): Promise<void> {
    const opened = new Promise<void>(resolve => {
      this.#open = resolve
    })
    for (let taken = 0; taken < this.#count; taken++) void this.#queue.add(() => opened)
  }

  open(): void {
    this.#open?.()
  }

  turn(_bytes: number, signal?: AbortSignal): Promise<unknown> {
    return this.#queue.add(nothing, signal && { signal })
  }
}

function nothing(): void {}
