import type { Account } from './account.ts'
import { BudgetReservation } from './reservation.ts'
import type { Waiter } from './wait-queue.ts'

/** What somebody who waits needs. */
export interface Needs {
  readonly bytes: number
  /** With how much it may begin, the rest being lent; all of it where it is not that kind. */
  readonly beginsWith: number
}

/**
 * A reservation that waits for its bytes behind a promise. One object from the queue to the release, since
 * a grant from a long queue costs what of it is not in the processor's cache.
 */
export class QueuedReservation extends BudgetReservation implements Waiter {
  place = 0
  turn = 0
  passedBefore = 0
  line = 0
  /** When its time is up, in whole milliseconds of `performance.now()`. */
  readonly dueAt: number
  readonly signal: AbortSignal | undefined
  #beginsWith: number
  /** Of one whose bytes are a guess: what it needs by what is known now. */
  readonly #needsNow: (() => Needs) | undefined
  #resolve: ((reservation: BudgetReservation | PromiseLike<never>) => void) | undefined
  #unheed: (() => void) | undefined = undefined

  constructor(
    account: Account,
    { bytes, beginsWith }: Needs,
    needsNow: (() => Needs) | undefined,
    dueAt: number,
    signal: AbortSignal | undefined,
    resolve: (reservation: BudgetReservation | PromiseLike<never>) => void,
  ) {
    super(account, bytes)
    this.#beginsWith = beginsWith
    this.#needsNow = needsNow
    this.dueAt = dueAt
    this.signal = signal
    this.#resolve = resolve
  }

  /** With how much it may begin. */
  get beginsWith(): number {
    return this.#beginsWith
  }

  /** @returns whether it needs less than it was thought to; it never asks for more than when it joined */
  reprice(): boolean {
    const needs = this.#needsNow?.()
    if (needs === undefined || needs.bytes >= this.bytes) return false
    this.bytes = needs.bytes
    this.#beginsWith = needs.beginsWith
    return true
  }

  /** @param undo takes back what else could have ended the wait, once it is over */
  whenOver(undo: () => void): void {
    const others = this.#unheed
    const unheed = (): void => {
      others?.()
      undo()
    }
    this.#unheed = unheed
  }

  /** Where its bytes are not free it gets what it may begin with, and the rest is lent. */
  grant(): void {
    const { account, bytes } = this
    const begins = !account.admits(bytes)
    account.promised += bytes
    if (begins) this.lend(bytes - this.beginsWith)
    this.#settle(this)
  }

  fail(error: unknown): void {
    this.#settle(Promise.reject(error))
  }

  #settle(outcome: BudgetReservation | PromiseLike<never>): void {
    this.#unheed?.()
    this.#resolve?.(outcome)
    this.#unheed = this.#resolve = undefined
  }
}
