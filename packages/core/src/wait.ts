import { PlimsollError } from './errors.ts'

/**
 * One wait of a request: for its turn on its connection, for room in its client's share, then for bytes. Made only where
 * there is one.
 */
export class Wait {
  readonly #controller = new AbortController()
  readonly #since = performance.now()
  readonly #timeoutMs: number
  #onTurn: (() => void) | undefined
  /** Whether it was for anything but the budget's own queue, which has a time for all. */
  elsewhere = false

  /** @param timeoutMs for all of it together */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** Aborts where the wait ends without what it was for. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get leftMs(): number {
    return Math.max(0, this.#timeoutMs - Math.ceil(performance.now() - this.#since))
  }

  /** Waits until its request is the first on its connection, or the wait is ended. Rejects with `ERR_PLIMSOLL_QUEUE_TIMEOUT`. */
  forTurn(bytes: number): Promise<void> {
    this.elsewhere = true
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new PlimsollError('ERR_PLIMSOLL_QUEUE_TIMEOUT', 'Waited too long for its turn', { bytes }))
      }, this.leftMs)
      const onTurn = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#onTurn = onTurn
    })
  }

  /** It is the turn of its request. */
  turn(): void {
    this.#onTurn?.()
  }

  /** Ends it with this reason. */
  end(reason: unknown): void {
    this.#controller.abort(reason)
    this.turn()
  }
}
