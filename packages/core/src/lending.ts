import type { Account } from './account.ts'
import { INFLATED } from './content-encoding.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import type { BudgetReservation } from './reservation.ts'

/**
 * How much is kept free for somebody beyond what has arrived, as long as his socket is read: one read of 64 KiB
 * (libuv's suggestion) is in memory before anybody can object.
 */
export const READ_AHEAD = 64 * 1024

/** Who wants so much, and may begin with less. */
export interface Beginner {
  readonly bytes: number
  readonly beginsWith: number
}

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
 * That all of them can finish is the banker's algorithm (Dijkstra, EWD 623) for one kind of goods: **with nobody else
 * in, there is room for the rest of whoever has least lent; when he is done, for the next; and so for all of them.**
 * What would break this is not lent.
 *
 * By the same rule somebody whose body has no length, and who has to be promised all there is, may begin beside them:
 * he would have to wait for an empty house, and all others behind him.
 */
export class Lending {
  readonly #account: Account
  /** Of whom something is lent; those who have it back stay until the next look at them. */
  readonly #lenders = new Set<BudgetReservation>()
  readonly #halted = new LinkedList<Loan>()
  #beginner: BudgetReservation | undefined

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
    while (loan !== undefined && promisedTo(loan.reservation) > this.#account.capacity) loan = loan.after
    return loan
  }

  /** How many bytes are lacking for one of those who are halted to finish: there is at least one. */
  get shortage(): number {
    const { capacity, promised } = this.#account
    return promised + (this.#nearest as Loan).reservation.lent - capacity
  }

  /** Of those who are halted, who has least lent. */
  get #nearest(): Loan | undefined {
    let nearest = this.#halted.first
    for (let loan = nearest; loan !== undefined; loan = loan.after)
      if (loan.reservation.lent < (nearest as Loan).reservation.lent) nearest = loan
    return nearest
  }

  /**
   * Whether somebody may begin with a part of what he is promised, and the rest is lent. One at a time: of several,
   * none would get far.
   */
  mayBegin(waiter: Beginner): boolean {
    const bytes = this.leastFor(waiter)
    return (
      bytes < waiter.bytes &&
      this.#account.admits(bytes) &&
      this.#isSafe(undefined, bytes, waiter.bytes - bytes)
    )
  }

  /** With how much room he could be let in. While memory is short with all of it: who is in passes the ceiling. */
  leastFor({ bytes, beginsWith }: Beginner): number {
    const { ceiling, capacity } = this.#account
    const taken = this.#beginner !== undefined && this.#beginner.lent > 0
    return taken || ceiling < capacity || bytes - beginsWith < READ_AHEAD ? bytes : beginsWith
  }

  /** He has begun. */
  begin(reservation: BudgetReservation): void {
    this.#beginner = reservation
    this.#lends(reservation)
  }

  /** Who has begun may have all of it by now: then the next one may begin. */
  noteAll(reservation: BudgetReservation): void {
    if (reservation !== this.#beginner || reservation.lent > 0) return
    this.#beginner = undefined
    this.#account.freed()
  }

  #lends(reservation: BudgetReservation): void {
    this.#lenders.add(reservation)
    // No two of them can be in: beside what one of them keeps there is no room for another, nor is it safe.
    if (promisedTo(reservation) > this.#account.capacity - READ_AHEAD) this.#account.giant = reservation
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
      !this.#isSafe(reservation, kept, promisedTo(reservation) - kept)
    )
      return
    reservation.lend(reservation.bytes - kept)
    this.#lends(reservation)
    this.#account.freed()
    reservation.share?.freed()
  }

  /** Gives back what the sender has use for. False where there is no room for it now. */
  extend(loan: Loan): boolean {
    const { reservation, arrived } = loan
    // Who sends fast has all of it back after a few steps; who drips never holds more than a read.
    const most = Math.min(reservation.lent, Math.max(READ_AHEAD, arrived))
    const step = [most, stepOf(reservation.lent), reservation.lent].find(by => this.mayHave(reservation, by))
    if (step !== undefined) reservation.takeBack(step)
    return step !== undefined
  }

  /** Whether so many bytes that nobody could keep back may be a debt. What one read inflates to, as a rule, is. */
  bears(by: number): boolean {
    return this.#account.fits(by - INFLATED * READ_AHEAD)
  }

  /** @param promised all that he would be promised then */
  mayHave(reservation: BudgetReservation, by: number, promised: number = promisedTo(reservation)): boolean {
    if (!this.#account.fits(by)) return false
    const bytes = reservation.bytes + by
    // With all of it he finishes, whatever the others do.
    return bytes === promised || this.#isSafe(reservation, bytes, promised - bytes)
  }

  /** Whether it may have `by` more than it was promised. */
  mayGrow(loan: Loan, by: number): boolean {
    const { bytes, lent } = loan.reservation
    return lent === 0 || this.#isSafe(loan.reservation, bytes + by, lent)
  }

  halt(loan: Loan): void {
    this.#halted.add(loan)
  }

  unhalt(loan: Loan): void {
    this.#halted.remove(loan)
  }

  /**
   * Lets those go on for whom there is room by now, in the order in which they were halted; but the nearest to his end
   * passes who has to wait for it.
   */
  resume(): void {
    while (this.first?.tryResume() || this.#nearest?.tryResume()) {}
    this.unlock()
  }

  /**
   * Lets the nearest to his end have his rest as a debt where not even the end of all others who go on would leave him room.
   * What costs more than a read for each byte comes in larger pieces than are kept free, and of several who are halted all
   * have taken a little more than was safe.
   */
  unlock(): void {
    const nearest = this.#nearest
    if (nearest === undefined) return
    let held = 0
    for (let loan = this.#halted.first; loan !== undefined; loan = loan.after) held += loan.reservation.bytes
    // Not by a capacity that was shrunk: it may grow again.
    if (nearest.reservation.lent > this.#account.configured - held) nearest.haveAll()
  }

  /** The banker's algorithm, were this what one of them, or somebody new, holds and has lent. */
  #isSafe(reservation: BudgetReservation | undefined, bytes: number, lent: number): boolean {
    const all: Pick<BudgetReservation, 'bytes' | 'lent'>[] = [{ bytes, lent }]
    let held = bytes
    for (const lender of this.#lenders) {
      if (lender.lent === 0) this.#lenders.delete(lender)
      else if (lender !== reservation) {
        all.push(lender)
        held += lender.bytes
      }
    }
    let free = this.#account.capacity - held
    // Whose rest is least goes first: where he can't, nobody can.
    all.sort((one, other) => one.lent - other.lent)
    for (const next of all) {
      if (next.lent > free) return false
      free += next.bytes
    }
    return true
  }
}

function promisedTo({ bytes, lent }: BudgetReservation): number {
  return bytes + lent
}

/** The least that one can go on with. */
function stepOf(lent: number): number {
  return Math.min(lent, READ_AHEAD)
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
    const lacks = this.#lacks(needed)
    if (lacks > 0) reservation.takeBack(lacks)
    if (!this.#halted && this.#isShort(needed) && !this.#lending.extend(this)) {
      this.#halt(true)
      this.#lending.unlock()
    }
    this.#lending.noteAll(reservation)
  }

  /**
   * From now on `needed` is in use of what it was promised, which is to be `promised`. False where there is no room for
   * that: its handler has not taken it yet, and may be refused.
   */
  tryClaim(needed: number, promised: number): boolean {
    const { reservation } = this
    const by = needed - reservation.bytes
    if (by <= 0) return true
    if (!this.#lending.mayHave(reservation, by, promised)) return false
    reservation.takeBack(Math.min(by, reservation.lent))
    this.#lending.noteAll(reservation)
    return true
  }

  /** Whether there is less than a read for what comes next. With all of it there is nothing more to claim. */
  #isShort(needed: number): boolean {
    const { bytes, lent } = this.reservation
    return lent > 0 && bytes - needed < READ_AHEAD
  }

  /** Whether there is room for what comes of bytes that are in memory: a decoder can't be halted. */
  mayInflate(needed: number): boolean {
    const lacks = this.#lacks(needed)
    return lacks <= 0 || this.#lending.bears(lacks)
  }

  #lacks(needed: number): number {
    return Math.min(needed - this.reservation.bytes, this.reservation.lent)
  }

  /** False where there is still no room. */
  tryResume(): boolean {
    if (!this.#lending.extend(this)) return false
    this.#goOn()
    return true
  }

  /** Has all of it back, whether or not there is room. */
  haveAll(): void {
    this.reservation.takeBack(this.reservation.lent)
    this.#goOn()
  }

  #goOn(): void {
    this.#halt(false)
    this.#lending.noteAll(this.reservation)
  }

  /** Nothing more will be claimed. Any number of calls. */
  end(): void {
    if (this.#halted) this.#halt(false)
  }

  #halt(halted: boolean): void {
    this.#halted = halted
    if (halted) this.#lending.halt(this)
    else this.#lending.unhalt(this)
    this.#onHalt(halted)
  }
}
