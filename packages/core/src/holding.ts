import { BUFFERED_FREE, costOfBuffered } from './buffered-cost.ts'
import type { ByteBudget } from './byte-budget.ts'
import { SENT_FREE } from './departures.ts'
import type { Finalizable } from './finalization.ts'
import type { BodyHold } from './hold-body.ts'
import type { KernelQueues } from './kernel-queues.ts'
import type { Loan } from './lending.ts'
import type { LimitedReader } from './limited-reader.ts'
import { bytesTaken } from './outflow.ts'
import { neededOf, type Price } from './price.ts'
import type { HttpRequest, HttpResponse } from './request-head.ts'
import type { BudgetReservation } from './reservation.ts'
import type { Share } from './shares.ts'
import type { Holder, Watched } from './watched.ts'

/** Whose bytes they are. */
export interface Payer extends Pick<Finalizable, 'socket' | 'stream'> {
  readonly req: HttpRequest
  readonly res: HttpResponse
  readonly price: Price
  readonly reader: LimitedReader | undefined
  /** What its bytes are counted to, of one that was admitted for nothing; undefined where that has no bound. */
  joinShare(): Share | undefined
  /** What keeps its body from being read on, from now on. */
  bodyHold(): Pick<BodyHold, 'hold' | 'letCome'>
  /** Ends it, since its client stands still while others wait. */
  cut(): void
  /** Its response has sent so much that was reserved, and is over. */
  departs(bytes: number): void
  /** It has given back what was guessed for its response. */
  guessDropped(): void
}

/**
 * All that one request holds of a budget: what it has reserved, of which a part may be lent to others while its
 * client is slow; and what its response has buffered beyond that, which is in memory whether or not there is room.
 */
export class Holding implements Holder {
  readonly #payer: Payer
  readonly #budget: ByteBudget
  #reservation: BudgetReservation | undefined
  #overflow: BudgetReservation | undefined
  #loan: Loan | undefined
  #body: Pick<BodyHold, 'hold' | 'letCome'> | undefined
  #watched: Watched | undefined
  /** What had arrived by then. */
  #readBefore = 0
  #taken = false
  #released = false
  #guessDropped = false
  /** What has been given back of the guess in its price. */
  #dropped = 0
  #observed = false
  #peak = 0
  #peakBuffered = 0

  constructor(payer: Payer, budget: ByteBudget) {
    this.#payer = payer
    this.#budget = budget
  }

  get reservation(): BudgetReservation | undefined {
    return this.#reservation
  }

  get overflow(): BudgetReservation | undefined {
    return this.#overflow
  }

  get bytes(): number {
    return (this.#reservation?.bytes ?? 0) + (this.#overflow?.bytes ?? 0)
  }

  /** The most bytes that it has held. */
  get peak(): number {
    return this.#peak
  }

  /** The most bytes that its response has had in its buffers. */
  get peakBuffered(): number {
    return this.#peakBuffered
  }

  /** Whether its body must not be read, since what it was promised is lent and there is no room. */
  get halted(): boolean {
    return this.#loan?.halted === true
  }

  /** From here on it is only counted, and has `bytes` more: nothing of it is lent, and nobody cuts it. */
  observe(bytes: number): void {
    this.#observed = true
    this.charge(bytes)
  }

  /** From here on it holds these; none where it costs nothing. */
  take(reservation: BudgetReservation | undefined): void {
    if (this.#released) {
      reservation?.release()
      return
    }
    this.#taken = true
    this.#reservation = reservation
    if (reservation === undefined) return
    this.#notePeak()
    this.#watch()
  }

  /** Takes so many more bytes, whether or not there is room, and whatever becomes of those who wait. */
  charge(by: number): void {
    if (this.#released) return
    this.#taken = true
    this.#reservation ??= this.#budget.charge(0)
    this.#reservation.charge(by)
    this.#notePeak()
  }

  tryGrow(by: number): boolean {
    if (!this.#taken || this.#released || this.#loan?.mayGrow(by) === false) return false
    this.#reservation ??= this.#nothingYet()
    if (!this.#reservation.tryGrow(by)) return false
    this.#notePeak()
    this.#watch()
    return true
  }

  #nothingYet(): BudgetReservation {
    const share = this.#payer.joinShare()
    const reservation = this.#budget.charge(0)
    reservation.share = share
    return reservation
  }

  /** Bytes of its own for a piece of work, none yet. Whoever asks for them releases them. */
  piece(): BudgetReservation {
    return this.#observed ? this.#budget.charge(0) : this.#nothingYet()
  }

  /** Takes so many more for such a piece, if they are free now. */
  growPiece(piece: BudgetReservation, by: number): boolean {
    if (!this.#taken || this.#released || this.#loan?.mayGrow(by) === false) return false
    if (this.#observed) piece.charge(by)
    else if (!piece.tryGrow(by)) return false
    this.#watch()
    return true
  }

  /** @returns how much less it holds */
  shrink(to: number): number {
    const held = this.bytes
    this.#reservation?.shrink(to)
    return held - this.bytes
  }

  giveBack(by: number): void {
    this.#reservation?.giveBack(by)
  }

  payIn(bytes: number): void {
    if (this.#loan !== undefined) this.#loan.claim(bytes, this.#inUse(this.#loan))
    this.#reservation?.payIn(bytes)
  }

  /** Whether what is lent need not be had back for another price, or was: that holds bytes, and can't wait. */
  tryClaim(price: Price): boolean {
    const reservation = this.#reservation
    if (reservation === undefined || reservation.lent === 0) return true
    const loan = this.#borrow(reservation)
    const promised = Math.max(0, reservation.bytes + reservation.lent + this.moreThanNow(price))
    return loan.tryClaim(this.#inUse(loan, price, promised), promised)
  }

  /** Whether what has come out of a decoder has room in what was promised, as far as that is lent. */
  mayInflate(): boolean {
    return this.#loan?.mayInflate(this.#inUse(this.#loan)) !== false
  }

  /** The response has so much in its buffers, of which what was reserved covers as much. */
  buffered(bytes: number): void {
    if (bytes > this.#peakBuffered) this.#peakBuffered = bytes
    // Nearly always, and with each write.
    if (bytes <= BUFFERED_FREE && this.#overflow === undefined) return
    const excess = Math.max(0, bytes - BUFFERED_FREE - (this.#reservation?.bytes ?? 0))
    if (this.#released || (excess === 0 && this.#overflow === undefined)) return
    this.#overflow ??= this.#budget.charge(0)
    const more = excess - this.#overflow.bytes
    if (more > 0) this.#overflow.charge(more)
    else this.#overflow.shrink(excess)
    this.#notePeak()
    this.#watch()
  }

  /** Gives back what was reserved, but not what is buffered. */
  drop(): void {
    const reservation = this.#reservation
    this.#reservation = undefined
    this.#taken = false
    this.#dropped = 0
    this.#loan?.end()
    this.#loan = undefined
    reservation?.release()
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    if (this.#watched !== undefined) {
      this.#budget.unwatch(this.#watched)
      this.#depart(this.#watched)
    }
    this.drop()
    this.#overflow?.release()
  }

  /** Within the call that gives it back, so that nobody is let in who would find it in no account. */
  #depart({ began }: Watched): void {
    const { bytes } = this
    const { socket, stream } = this.#payer
    // Nearly always. Of one stream of several nobody tells.
    if (bytes <= SENT_FREE || stream !== undefined) return
    const sent = bytesTaken(socket, undefined) - (began - this.#readBefore)
    if (sent > SENT_FREE) this.#payer.departs(Math.min(sent, bytes))
  }

  dropGuess(): void {
    const { price, reader } = this.#payer
    // As long as nobody knows how long its body is, what it was promised may be all for that.
    if (this.#guessDropped || (price.costOf !== undefined && reader?.settled === false)) return
    this.#guessDropped = true
    this.#dropped = this.#unused(price)
    if (this.#dropped === 0) return
    this.giveBack(this.#dropped)
    this.#payer.guessDropped()
  }

  /**
   * Its handler says what it holds: nothing is guessed from here on.
   *
   * @returns how much of the guess it holds no more
   */
  endGuess(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  /** How much more another price is than that of now, less what each of them has only guessed where that was given back. */
  moreThanNow(price: Price): number {
    const dropped = this.#guessDropped ? this.#unused(price) : 0
    return price.bytes - dropped - (this.#payer.price.bytes - this.#dropped)
  }

  /** It holds what another price says, by {@link moreThanNow}. */
  priced(price: Price): void {
    if (this.#guessDropped) this.#dropped = this.#unused(price)
  }

  /** Of what was guessed for the response, what it has not in its buffers. */
  #unused({ response = 0 }: Price): number {
    return Math.max(0, response - costOfBuffered(this.#peakBuffered))
  }

  moved(): number {
    const { reader, socket, stream } = this.#payer
    return (reader?.total ?? 0) + bytesTaken(socket, stream)
  }

  owed(): 'sends' | 'takes' | undefined {
    const { reader, res } = this.#payer
    const buffered = res.writableLength
    this.buffered(buffered)
    if (buffered > 0) return 'takes'
    return reader?.owed === true && !this.halted ? 'sends' : undefined
  }

  acknowledged(queues: KernelQueues): number | undefined {
    const { socket, stream } = this.#payer
    // Of one stream of several it tells nothing.
    const unacknowledged = stream === undefined ? queues.unacknowledged(socket) : undefined
    return unacknowledged === undefined ? undefined : bytesTaken(socket, stream) - unacknowledged
  }

  needed(): number | undefined {
    const { req, reader, price } = this.#payer
    if (this.#reservation === undefined || reader?.complete !== false) return undefined
    const { bytes, lent } = this.#reservation
    return neededOf(req, price, bytes + lent, reader.held)
  }

  /** The same, whatever is still to be sent: a body that is there may still be inflated. */
  #inUse(
    { reservation: { bytes, lent } }: Loan,
    price = this.#payer.price,
    promised: number = bytes + lent,
  ): number {
    const { req, reader } = this.#payer
    // It was given back what it does not need: by now, or before it was over, as a twin may be before its turn.
    if (reader === undefined || reader.settled) return promised
    return neededOf(req, price, promised, reader.held)
  }

  lend(reservation: BudgetReservation, needed: number): void {
    this.#borrow(reservation).lend(needed)
  }

  /** From here on its body comes: what was lent from the beginning is asked back as it does, or has done by now. */
  bodyComes(): void {
    const reservation = this.#reservation
    if (reservation === undefined || reservation.lent === 0) return
    const loan = this.#borrow(reservation)
    loan.claim(0, this.#inUse(loan))
  }

  #borrow(reservation: BudgetReservation): Loan {
    // Not when it halts, since the chunk that it halts at must be the last.
    this.#body ??= this.#payer.bodyHold()
    const body = this.#body
    this.#loan ??= this.#budget.loanOf(reservation, halted => {
      if (halted) body.hold()
      else body.letCome()
    })
    return this.#loan
  }

  cut(): void {
    this.#payer.cut()
  }

  #notePeak(): void {
    this.#peak = Math.max(this.#peak, this.bytes)
  }

  #watch(): void {
    if (this.#observed || this.#watched !== undefined) return
    this.#watched = this.#budget.watch(this)
    this.#readBefore = this.#payer.reader?.total ?? 0
  }
}
