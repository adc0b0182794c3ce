import type { Account } from './account.ts'
import type { BudgetReservation } from './reservation.ts'

/** Somebody who waits for bytes. The links belong to the queue it stands in. */
export interface Waiter {
  readonly bytes: number
  /** Told once, synchronously, within the call that freed the bytes. */
  grant(reservation: BudgetReservation): void
  before: Waiter | undefined
  after: Waiter | undefined
}

/**
 * Who goes next: all that a budget asks of its queue, so that another discipline (lanes, bounded
 * backfill) can take its place. Each call but `next` must be O(1).
 */
export interface WaitQueue {
  readonly size: number
  add(waiter: Waiter): void
  /** Takes out a waiter that stands in this queue, wherever it stands. */
  remove(waiter: Waiter): void
  /** The waiter that may be granted now, left where it stands; undefined where it is nobody's turn. */
  next(account: Account): Waiter | undefined
  /** Whether a newcomer may be granted at once without passing anybody it should stand behind. */
  admits(bytes: number, account: Account): boolean
}

/**
 * First come, first served, and a large head blocks the small ones behind it: were they let past, a
 * stream of small requests would starve it (the reason Go's semaphore gives for the same choice).
 * Only waiters larger than a capacity that was shrunk stand aside: nothing short of a resize can
 * serve them, and the whole line would wait for their time-out.
 */
export class FifoQueue implements WaitQueue {
  #size = 0
  #head: Waiter | undefined
  #tail: Waiter | undefined

  get size(): number {
    return this.#size
  }

  add(waiter: Waiter): void {
    waiter.before = this.#tail
    if (this.#tail === undefined) this.#head = waiter
    else this.#tail.after = waiter
    this.#tail = waiter
    this.#size++
  }

  remove(waiter: Waiter): void {
    if (waiter.before === undefined) this.#head = waiter.after
    else waiter.before.after = waiter.after
    if (waiter.after === undefined) this.#tail = waiter.before
    else waiter.after.before = waiter.before
    waiter.before = waiter.after = undefined
    this.#size--
  }

  next(account: Account): Waiter | undefined {
    const first = this.#first(account.capacity)
    return first !== undefined && account.fits(first.bytes) ? first : undefined
  }

  admits(bytes: number, account: Account): boolean {
    return account.fits(bytes) && this.#first(account.capacity) === undefined
  }

  #first(capacity: number): Waiter | undefined {
    let waiter = this.#head
    while (waiter !== undefined && waiter.bytes > capacity) waiter = waiter.after
    return waiter
  }
}
