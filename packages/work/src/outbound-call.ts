import { PlimsollError } from '@plimsoll/core'
import { listenForAbort } from './listen-for-abort.ts'

/** One call elsewhere, from its beginning until its body is over: what may end it before, and what is to end with it. */
export class OutboundCall {
  readonly #controller = new AbortController()
  readonly #signals: readonly AbortSignal[]
  readonly #timer: NodeJS.Timeout

  /** @param signals of whoever may call it off */
  constructor(timeoutMs: number, signals: readonly AbortSignal[]) {
    this.#signals = signals
    this.#timer = setTimeout(() => {
      this.end(new PlimsollError('ERR_PLIMSOLL_UPSTREAM_TIMEOUT', 'A response from elsewhere took too long'))
    }, timeoutMs)
    // What it waits for keeps the process alive, if anything does.
    this.#timer.unref()
    // Not AbortSignal.any, which in Node 20 keeps something for each call on a signal that lives for long.
    listenForAbort(signals, this.#onAbort)
    this.#onAbort()
  }

  /** Aborts when it is ended. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends it: nobody wants the rest. */
  end(reason: unknown): void {
    this.over()
    this.#controller.abort(reason)
  }

  /** It has ended by itself. Nothing of it is left, and nobody ends it any more. */
  over(): void {
    clearTimeout(this.#timer)
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    const aborted = this.#signals.find(signal => signal.aborted)
    if (aborted !== undefined) this.end(aborted.reason)
  }
}
