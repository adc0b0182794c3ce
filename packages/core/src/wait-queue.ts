import type { Account } from './account.ts'
import { type InLine, WaitLine } from './wait-line.ts'

/** Somebody who waits for bytes. */
export interface Waiter {
  readonly bytes: number
}

/**
 * Who goes next: all that a budget asks of its queue, so that another discipline (lanes, bounded
 * backfill) can take its place. Joining and leaving must be O(1).
 */
export interface WaitQueue<W extends Waiter> {
  readonly size: number
  add(waiter: W): void
  /** Takes out a waiter that stands in this queue, wherever it stands. */
  remove(waiter: W): void
  /** The waiter that may be granted now, left where it stands; undefined where it is nobody's turn. */
  next(account: Account): W | undefined
  /** Whether a newcomer may be granted at once without passing anybody it should stand behind. */
  admits(bytes: number, account: Account): boolean
  /** The first in the order of joining of whom `test` is true. */
  oldest(test: (waiter: W) => boolean): W | undefined
}

/**
 * First come, first served, and a large head blocks the small ones behind it: were they let past, a
 * stream of small requests would starve it (the reason Go's semaphore gives for the same choice).
 * Only waiters larger than a capacity that was shrunk stand aside: nothing short of a resize can
 * serve them, and the whole line would wait for their time-out.
 */
export class FifoQueue<W extends Waiter & InLine> implements WaitQueue<W> {
  readonly #line = new WaitLine<W>()

  get size(): number {
    return this.#line.size
  }

  add(waiter: W): void {
    this.#line.add(waiter)
  }

  remove(waiter: W): void {
    this.#line.remove(waiter)
  }

  next(account: Account): W | undefined {
    const head = this.#head(account.capacity)
    return head !== undefined && account.fits(head.bytes) ? head : undefined
  }

  admits(bytes: number, account: Account): boolean {
    return account.fits(bytes) && this.#head(account.capacity) === undefined
  }

  oldest(test: (waiter: W) => boolean): W | undefined {
    return this.#line.find(test)
  }

  #head(capacity: number): W | undefined {
    const { first } = this.#line
    if (first === undefined || first.bytes <= capacity) return first
    return this.#line.find(waiter => waiter.bytes <= capacity)
  }
}
