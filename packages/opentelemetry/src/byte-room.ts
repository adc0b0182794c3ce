import type { ByteBudget, Reservation } from '@plimsoll/core'

/** The bytes that telemetry may keep: no more than its bound, and of a server's budget only what nobody waits for. */
export class ByteRoom {
  readonly #most: number
  readonly #budget: ByteBudget | undefined
  #reservation: Reservation | undefined
  #taken = 0

  constructor(most: number, budget: ByteBudget | undefined) {
    this.#most = most
    this.#budget = budget
  }

  get taken(): number {
    return this.#taken
  }

  /** Whether requests wait for bytes of the budget, so that nothing is to be taken or kept of it. */
  get isWanted(): boolean {
    return this.#budget !== undefined && this.#budget.waiting > 0
  }

  /** Bytes that newcomers may have of the budget. Less than 0 in debt: then room for a span takes that as well. */
  get #free(): number {
    if (this.#budget === undefined) return Number.POSITIVE_INFINITY
    const { available, ceiling, reserved } = this.#budget
    return available > 0 ? available : ceiling - reserved
  }

  /** Whether there would be room for so many, once `givenBack` of those taken are free. */
  couldTake(bytes: number, givenBack: number): boolean {
    if (bytes > this.#most - this.#taken + givenBack) return false
    return !this.isWanted && bytes <= this.#free + givenBack
  }

  tryTake(bytes: number): boolean {
    if (!this.couldTake(bytes, 0) || !this.#reserve(bytes)) return false
    this.#taken += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes
    this.#reservation?.shrink(this.#taken)
  }

  #reserve(bytes: number): boolean {
    if (this.#budget === undefined) return true
    this.#reservation ??= this.#budget.tryAcquire(0)
    return this.#reservation?.tryGrow(bytes) === true
  }
}
