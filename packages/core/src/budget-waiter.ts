import { PlimsollError } from './errors.ts'
import { Link } from './linked-list.ts'
import type { BudgetReservation } from './reservation.ts'
import type { Perishable, WaitDeadlines } from './wait-deadlines.ts'
import type { Waiter } from './wait-queue.ts'

/** Somebody who waits for bytes behind a promise. */
export class BudgetWaiter implements Waiter, Perishable {
  readonly bytes: number
  /** Made when the wait begins, so that a grant allocates nothing. */
  readonly reservation: BudgetReservation
  readonly place: Link<Waiter> = new Link<Waiter>(this)
  readonly deadline: Link<Perishable> = new Link<Perishable>(this)
  readonly deadlines: WaitDeadlines
  readonly dueAt: number
  readonly #resolve: (reservation: BudgetReservation) => void
  readonly #reject: (error: unknown) => void
  readonly #leave: (waiter: BudgetWaiter) => void
  #signal: AbortSignal | undefined = undefined
  #onAbort: (() => void) | undefined = undefined

  /** @param leave takes it out of the budget's queue when it gives up */
  constructor(
    bytes: number,
    reservation: BudgetReservation,
    deadlines: WaitDeadlines,
    dueAt: number,
    resolve: (reservation: BudgetReservation) => void,
    reject: (error: unknown) => void,
    leave: (waiter: BudgetWaiter) => void,
  ) {
    this.bytes = bytes
    this.reservation = reservation
    this.deadlines = deadlines
    this.dueAt = dueAt
    this.#resolve = resolve
    this.#reject = reject
    this.#leave = leave
  }

  /** Ends the wait when `signal` aborts. */
  heed(signal: AbortSignal): void {
    this.#signal = signal
    this.#onAbort = () => this.#fail(signal.reason)
    signal.addEventListener('abort', this.#onAbort)
  }

  grant(): void {
    this.#unheed()
    this.#resolve(this.reservation)
  }

  expire(): void {
    this.#fail(
      new PlimsollError('ERR_PLIMSOLL_QUEUE_TIMEOUT', 'Waited too long for memory', { bytes: this.bytes }),
    )
  }

  #fail(error: unknown): void {
    this.#unheed()
    this.#reject(error)
    this.#leave(this)
  }

  #unheed(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
