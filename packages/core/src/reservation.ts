import type { Account } from './account.ts'
import { type ByteSize, parseByteSize } from './byte-size.ts'

/** Bytes of a budget, held until `release`. 0 bytes is legal. */
export interface Reservation extends Disposable {
  /** Bytes held: 0 after release. */
  readonly bytes: number
  /** Whether it was given back. */
  readonly released: boolean
  /**
   * Takes `by` more bytes if they are free now. It never waits, since waiting while holding is how
   * semaphores deadlock, and it may pass waiters, since who finishes frees bytes. False after release.
   */
  tryGrow(by: ByteSize): boolean
  /** Gives back all above `to`. Never grows: a larger `to` changes nothing. No effect after release. */
  shrink(to: ByteSize): void
  /** Gives everything back. Any number of calls, one effect. */
  release(): void
}

/** The reservation a budget hands out. */
export class BudgetReservation implements Reservation {
  readonly #account: Account
  #bytes: number
  #paidIn = 0
  #released = false

  /** The bytes must already be promised in `account`. */
  constructor(account: Account, bytes: number) {
    this.#account = account
    this.#bytes = bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get released(): boolean {
    return this.#released
  }

  /** Of `bytes`, how many have arrived. */
  get paidIn(): number {
    return this.#paidIn
  }

  tryGrow(by: ByteSize): boolean {
    const bytes = parseByteSize(by, 'by')
    if (this.#released || !this.#account.fits(bytes)) return false
    this.#bytes += bytes
    this.#account.promised += bytes
    return true
  }

  shrink(to: ByteSize): void {
    const bytes = parseByteSize(to, 'to')
    if (bytes < this.#bytes) this.#giveBack(bytes)
  }

  /** Counts bytes that have arrived, up to what was promised. */
  payIn(bytes: number): void {
    const paid = Math.min(bytes, this.#bytes - this.#paidIn)
    this.#paidIn += paid
    this.#account.paidIn += paid
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#giveBack(0)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #giveBack(kept: number): void {
    const account = this.#account
    account.promised -= this.#bytes - kept
    this.#bytes = kept
    if (this.#paidIn > kept) {
      account.paidIn -= this.#paidIn - kept
      this.#paidIn = kept
    }
    account.freed()
  }
}
