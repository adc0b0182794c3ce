/**
 * The figures of a budget. What is promised and what of it has been paid in are kept apart: bytes
 * that were promised to a request but have not arrived are in no memory yet.
 */
export class Account {
  /** Bytes that may be promised now. */
  capacity: number
  /** The largest capacity it was ever given: what is larger than this can never fit. */
  configured: number
  /** Bytes of all reservations. More than `capacity` is a debt, and nothing fits until it is cleared. */
  promised = 0
  /** Bytes that were promised to somebody who does not send them, and are lent to others meanwhile. */
  lent = 0
  /** Bytes of those promised that have arrived. */
  paidIn = 0
  readonly #wanted: () => number | undefined
  /** Called whenever bytes come free. */
  readonly freed: () => void
  /** Where somebody of this lane moves who outgrows it. */
  readonly main: Account | undefined

  /** @param wanted how many bytes whoever is next wants; undefined where nobody waits */
  constructor(capacity: number, freed: () => void, wanted: () => number | undefined, main?: Account) {
    this.capacity = this.configured = capacity
    this.freed = freed
    this.#wanted = wanted
    this.main = main
  }

  /** How many bytes whoever is next lacks; 0 or less where nobody does. */
  get shortage(): number {
    const wanted = this.#wanted()
    return wanted === undefined ? 0 : wanted - this.free
  }

  /** Bytes that may still be promised; less than 0 in debt. */
  get free(): number {
    return this.capacity - this.promised
  }

  fits(bytes: number): boolean {
    return this.promised + bytes <= this.capacity
  }
}
