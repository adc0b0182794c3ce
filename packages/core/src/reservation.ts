import type { Account } from './account.ts'
import { type ByteSize, parseByteSize } from './byte-size.ts'
import type { Share } from './shares.ts'

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
  #account: Account
  #share: Share | undefined = undefined
  #bytes: number
  #lent = 0
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

  /** What it will hold, as long as it was not granted. */
  protected set bytes(bytes: number) {
    this.#bytes = bytes
  }

  /** Of `bytes`, how many have arrived. */
  get paidIn(): number {
    return this.#paidIn
  }

  /** Bytes that were promised to it besides, and are lent to others; see `Lending`. */
  get lent(): number {
    return this.#lent
  }

  /** The share of its client, which counts its bytes already. */
  get share(): Share | undefined {
    return this.#share
  }

  set share(share: Share | undefined) {
    this.#share = share
    // But what is lent from the beginning.
    if (share === undefined || this.#lent === 0) return
    share.promised -= this.#lent
    share.freed()
  }

  /** Whose figures it is part of. */
  get account(): Account {
    return this.#account
  }

  tryGrow(by: ByteSize): boolean {
    const bytes = parseByteSize(by, 'by')
    if (this.#released || this.#share?.mayGrow(this.#bytes, bytes) === false) return false
    if (!this.#account.fits(bytes)) return this.#outgrow(bytes)
    this.charge(bytes)
    return true
  }

  /** Leaves its lane, where the main account has room for all of it. */
  #outgrow(by: number): boolean {
    const lane = this.#account
    const { main } = lane
    if (!main?.fits(this.#bytes + by)) return false
    lane.promised -= this.#bytes
    lane.paidIn -= this.#paidIn
    this.drawOn(main)
    main.promised += this.#bytes
    main.paidIn += this.#paidIn
    this.charge(by)
    lane.freed()
    return true
  }

  /** Is part of other figures from here on; what it holds is not moved. */
  drawOn(account: Account): void {
    this.#account = account
  }

  shrink(to: ByteSize): void {
    const bytes = parseByteSize(to, 'to')
    // What is lent counts: it is still owed.
    if (bytes < this.#bytes + this.#lent) this.#giveBack(bytes)
  }

  /** Gives back so much, of what is lent first. */
  giveBack(by: number): void {
    this.shrink(Math.max(0, this.#bytes + this.#lent - by))
  }

  /** Counts bytes that have arrived, up to what was promised. */
  payIn(bytes: number): void {
    const paid = Math.min(bytes, this.#bytes - this.#paidIn)
    this.#paidIn += paid
    this.#account.paidIn += paid
  }

  /** Takes `by` more without asking, as a debt where there is no room: they are in memory already. */
  charge(by: number): void {
    this.#bytes += by
    this.#account.promised += by
    if (this.#share !== undefined) this.#share.promised += by
  }

  /** Lets others have `by` of its bytes. Whoever waits for them is not told yet. */
  lend(by: number): void {
    this.takeBack(-by)
  }

  /** Has `by` of its lent bytes again, whether or not there is room. */
  takeBack(by: number): void {
    this.charge(by)
    this.#lent -= by
    this.#account.lent -= by
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    // Each request comes by here: what `#giveBack` reckons of a part, without reckoning.
    this.#account.paidIn -= this.#paidIn
    this.#account.lent -= this.#lent
    this.#paidIn = this.#lent = 0
    this.charge(-this.#bytes)
    this.#account.freed()
    const share = this.#share
    if (share === undefined) return
    share.freed()
    share.leave(0)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #giveBack(promise: number): void {
    const kept = Math.min(promise, this.#bytes)
    if (this.#lent > 0) {
      this.#account.lent -= this.#lent - (promise - kept)
      this.#lent = promise - kept
    }
    this.charge(kept - this.#bytes)
    if (this.#paidIn > kept) {
      this.#account.paidIn -= this.#paidIn - kept
      this.#paidIn = kept
    }
    this.#account.freed()
    this.#share?.freed()
  }
}
