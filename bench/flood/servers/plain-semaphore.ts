import type { ServerResponse } from 'node:http'

interface Waiter {
  readonly bytes: number
  readonly go: () => void
}

/**
 * What people write when they see that bytes are the right unit: first come, first served, released when the
 * response is over. A peer to measure against: it knows nothing of clients that promise and don't send.
 */
export class PlainSemaphore {
  readonly #capacity: number
  #reserved = 0
  readonly #queue: Waiter[] = []

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes
  }

  /** Resolves once there is room; never for a client that has left before. */
  admit(res: ServerResponse, cost: number): Promise<void> {
    const bytes = Math.min(cost, this.#capacity)
    return new Promise(resolve => {
      let granted = false
      const waiter = {
        bytes,
        go: () => {
          granted = true
          this.#reserved += bytes
          resolve()
        },
      }
      this.#queue.push(waiter)
      res.once('close', () => {
        if (granted) this.#reserved -= bytes
        else this.#queue.splice(this.#queue.indexOf(waiter), 1)
        this.#drain()
      })
      this.#drain()
    })
  }

  #drain(): void {
    for (let first = this.#queue[0]; first; first = this.#queue[0]) {
      if (this.#reserved + first.bytes > this.#capacity) return
      this.#queue.shift()
      first.go()
    }
  }
}
