import type { Account } from './account.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import type { BudgetReservation } from './reservation.ts'

/**
 * How much is kept free for somebody beyond what has arrived, as long as his socket is read: one read of 64 KiB
 * (libuv's suggestion) is in memory before anybody can object.
 */
export const READ_AHEAD = 64 * 1024

/**
 * The bytes that were promised to slow senders, and are lent to those who wait. A state machine:
 *
 *     promised ──lend──▶ lent ──claim, no room──▶ halted
 *        ▲               │  ▲                        │
 *        └──all is back──┘  └────────resume──────────┘        cut or over: end, from everywhere
 *
 * Whose promise is lent keeps what has arrived, and gets more as he sends: nobody is the worse for it as
 * long as there is room. Where there is none his socket is not read (halted), and he goes before all who wait.
 *
 * That all of them can finish is the banker's rule (Dijkstra, EWD 623) for one kind of goods: **what they all
 * hold, and the largest rest that is lent, never pass the capacity.** So when all others are done, there is room for
 * the rest of any of them, and then for the next. What would break this is not lent.
 */
export class Lending {
  readonly #account: Account
  readonly #loans = new Set<Loan>()
  readonly #halted = new LinkedList<Loan>()

  constructor(account: Account) {
    this.#account = account
  }

  /** How many have no room to go on. */
  get halted(): number {
    return this.#halted.size
  }

  /** Who goes before all who wait; nobody for whom a capacity that was shrunk will never do. */
  get first(): Loan | undefined {
    let loan = this.#halted.first
    while (loan !== undefined && promisedTo(loan) > this.#account.capacity) loan = loan.after
    return loan
  }

  /** Lends all above `needed` and a read, unless that is little, or not all of them could have it back. */
  lend(loan: Loan, needed: number): void {
    const kept = needed + READ_AHEAD
    const { reservation } = loan
    // Of the lane nothing is lent: it has room of its own, and no line of those who are halted.
    if (reservation.account !== this.#account) return
    if (
      loan.halted ||
      reservation.bytes - kept < READ_AHEAD ||
      !this.#isSafe(loan, kept, promisedTo(loan) - kept)
    )
      return
    this.#loans.add(loan)
    reservation.lend(reservation.bytes - kept)
    this.#account.freed()
    reservation.share?.freed()
  }

  /** Gives back what the sender has use for. False where there is no room for it now. */
  extend(loan: Loan): boolean {
    const { reservation, arrived } = loan
    const { lent } = reservation
    // Who sends fast has all of it back after a few steps; who drips never holds more than a read.
    const step = Math.min(lent, Math.max(READ_AHEAD, arrived))
    if (
      step < lent &&
      this.#account.fits(step) &&
      this.#isSafe(loan, reservation.bytes + step, lent - step)
    ) {
      reservation.takeBack(step)
      return true
    }
    if (!this.#account.fits(lent)) return false
    reservation.takeBack(lent)
    return true
  }

  /** Whether it may have `by` more than it was promised. */
  mayGrow(loan: Loan, by: number): boolean {
    const { bytes, lent } = loan.reservation
    return lent === 0 || this.#isSafe(loan, bytes + by, lent)
  }

  halt(loan: Loan): void {
    this.#halted.add(loan)
  }

  unhalt(loan: Loan): void {
    this.#halted.remove(loan)
  }

  /** Lets those go on for whom there is room by now, in the order in which they were halted. */
  resume(): void {
    while (this.first?.tryResume()) {}
  }

  end(loan: Loan): void {
    this.#loans.delete(loan)
  }

  /** The banker's rule, were this what one of them holds and has lent. */
  #isSafe(loan: Loan, bytes: number, lent: number): boolean {
    let held = bytes
    let largestRest = lent
    for (const other of this.#loans) {
      if (other === loan) continue
      held += other.reservation.bytes
      largestRest = Math.max(largestRest, other.reservation.lent)
    }
    return held + largestRest <= this.#account.capacity
  }
}

function promisedTo({ reservation }: Loan): number {
  return reservation.bytes + reservation.lent
}

/** What one slow sender has lent. */
export class Loan implements Linked<Loan> {
  before: Loan | undefined = undefined
  after: Loan | undefined = undefined
  readonly reservation: BudgetReservation
  readonly #lending: Lending
  readonly #onHalt: (halted: boolean) => void
  #arrived = 0
  #halted = false

  /** @param onHalt told true where the body must not be read, and false where it may be again */
  constructor(lending: Lending, reservation: BudgetReservation, onHalt: (halted: boolean) => void) {
    this.#lending = lending
    this.reservation = reservation
    this.#onHalt = onHalt
  }

  /** Bytes that have arrived since something was lent. */
  get arrived(): number {
    return this.#arrived
  }

  /** Whether there is no room for the sender to go on. */
  get halted(): boolean {
    return this.#halted
  }

  /** Whether it may have `by` more than it was promised, and all of them still finish. */
  mayGrow(by: number): boolean {
    return this.#lending.mayGrow(this, by)
  }

  /** Lends all that is not in use, where that can be done safely. */
  lend(needed: number): void {
    this.#arrived = 0
    this.#lending.lend(this, needed)
  }

  /** More has arrived: `needed` of what was promised is in use by now. */
  claim(arrived: number, needed: number): void {
    const { reservation } = this
    if (reservation.lent === 0) return
    this.#arrived += arrived
    // In memory already. It was not kept free only where a body comes in larger pieces than a read.
    const lacks = Math.min(needed - reservation.bytes, reservation.lent)
    if (lacks > 0) reservation.takeBack(lacks)
    if (this.#halted || reservation.bytes - needed >= READ_AHEAD) return
    if (this.#lending.extend(this)) this.#returned()
    else this.#halt(true)
  }

  /** False where there is still no room. */
  tryResume(): boolean {
    if (!this.#lending.extend(this)) return false
    this.#halt(false)
    this.#returned()
    return true
  }

  /** Nothing more will be claimed. Any number of calls. */
  end(): void {
    this.#lending.end(this)
    if (this.#halted) this.#halt(false)
  }

  #returned(): void {
    if (this.reservation.lent === 0) this.#lending.end(this)
  }

  #halt(halted: boolean): void {
    this.#halted = halted
    if (halted) this.#lending.halt(this)
    else this.#lending.unhalt(this)
    this.#onHalt(halted)
  }
}
