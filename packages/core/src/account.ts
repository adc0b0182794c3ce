/** What an account asks of those who wait for its bytes. */
export interface Line {
  /** Bytes have come free. */
  readonly freed: () => void
  /** How many bytes whoever is next lacks; 0 or less where nobody does. */
  readonly shortage: () => number
  /** Whether somebody has no room beside the giant. */
  readonly standsAside?: () => boolean
}

/**
 * The figures of a budget. What is promised and what of it has been paid in are kept apart: bytes
 * that were promised to a request but have not arrived are in no memory yet.
 */
export class Account {
  /** Bytes that may be promised now. */
  capacity: number
  /** The largest capacity it was ever given: what is larger than this can never fit. */
  configured: number
  /** Up to here newcomers may fill it, while memory is short; who is in already finishes by the capacity. */
  ceiling = Number.POSITIVE_INFINITY
  /** Bytes of all reservations. More than `capacity` is a debt, and nothing fits until it is cleared. */
  promised = 0
  /** Bytes that were promised to somebody who does not send them, and are lent to others meanwhile. */
  lent = 0
  /** Bytes of those promised that have arrived. */
  paidIn = 0
  /** Bytes of responses that are over, which the kernel has beyond what it may have for nothing: newcomers find them taken. */
  departed = 0
  /** The same of what handlers go on with for clients that have gone; see `Leftovers`. */
  leftOver = 0
  /** The one who was promised all there is, as long as something of it is lent; later on of no effect. */
  giant: { readonly bytes: number; readonly lent: number } | undefined = undefined
  readonly #line: Line
  /** Where somebody of this lane moves who outgrows it. */
  readonly main: Account | undefined

  constructor(capacity: number, line: Line, main?: Account) {
    this.capacity = this.configured = capacity
    this.#line = line
    this.main = main
  }

  /** Called whenever bytes come free. */
  freed(): void {
    this.#line.freed()
  }

  /** How many bytes whoever is next lacks; 0 or less where nobody does. */
  get shortage(): number {
    return this.#line.shortage()
  }

  /** Whether there is somebody who waits for nobody but this one. */
  isKeptUpBy(reservation: { readonly lent: number }): boolean {
    return reservation === this.giant && reservation.lent > 0 && this.#line.standsAside?.() === true
  }

  /**
   * Bytes that newcomers may fill. The ceiling holds up nobody who would be alone: what is in memory then is nobody's
   * whom one could wait for.
   */
  get open(): number {
    return this.promised === 0 ? this.capacity : Math.min(this.capacity, this.ceiling)
  }

  /** What a newcomer may want who can be served before the giant is over, that may take minutes. */
  get reach(): number {
    const { giant, open } = this
    return giant === undefined || giant.lent === 0 ? open : open - giant.bytes
  }

  /** Bytes that may still be promised to newcomers; less than 0 in debt. */
  get free(): number {
    return this.open - this.promised - this.departed - this.leftOver
  }

  /** Whether a newcomer has room. */
  admits(bytes: number): boolean {
    // Not by `open`: with each request, the least of two is dear.
    const promised = this.promised + bytes
    const taken = promised + this.departed + this.leftOver
    return taken <= this.capacity && (promised <= this.ceiling || this.promised === 0)
  }

  /** Whether one who is in has room for more. */
  fits(bytes: number): boolean {
    return this.promised + bytes <= this.capacity
  }
}
