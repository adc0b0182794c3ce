import type { ByteBudget } from './byte-budget.ts'
import { type ByteSize, parseByteSize } from './byte-size.ts'
import { PlimsollError } from './errors.ts'
import type { Connection, Finalizable } from './finalization.ts'
import type { BodyPayer, LimitedReader } from './limited-reader.ts'
import { bodyTooLarge, FREE, type Price } from './price.ts'
import type { HttpRequest } from './request-head.ts'
import type { BudgetReservation } from './reservation.ts'

/**
 * What a handler gets of its reservation. It can't release early: bytes that are given back while a
 * response still streams them are the bug this library exists for.
 */
export interface RequestReservation {
  /** Bytes held now. */
  readonly bytes: number
  /** Whether response, connection and held work are all over. */
  readonly released: boolean
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  /** Takes `by` more bytes if they are free now; see {@link Reservation.tryGrow}. */
  tryGrow(by: ByteSize): boolean
  /** Gives back all above `to`; see {@link Reservation.shrink}. */
  shrink(to: ByteSize): void
  /**
   * Gives back all that is held, then waits its turn for `bytes`: for a size known only after a
   * look-up. Rejects as {@link ByteBudget.acquire} does, with `ERR_PLIMSOLL_CLIENT_GONE`, or with
   * `ERR_PLIMSOLL_RELEASED` where the request is over; nothing is held then.
   */
  requeue(bytes: ByteSize): Promise<void>
  /** Makes the release wait for `work` too, however it settles. No effect after the release. */
  hold(work: PromiseLike<unknown>): void
}

/** One request on its way from admission to release. */
export class GovernedRequest implements RequestReservation, BodyPayer, Finalizable {
  before: Finalizable | undefined = undefined
  after: Finalizable | undefined = undefined
  readonly req: HttpRequest
  price: Price = FREE
  /** Set on HTTP/1, until it leaves. */
  connection: Connection | undefined
  /** The admission, while it waits. */
  admission: Promise<RequestReservation> | undefined
  admitted = false
  refusal: PlimsollError | undefined
  /** Set once it is admitted with a body. */
  reader: LimitedReader | undefined
  readonly #budget: ByteBudget
  readonly #onReleased: (request: GovernedRequest, bytes: number) => void
  #reservation: BudgetReservation | undefined
  #responseOver = false
  #connectionOver = false
  #works = 0
  #released = false
  #controller: AbortController | undefined
  #ended: PlimsollError | undefined
  #onTurn: (() => void) | undefined

  constructor(
    req: HttpRequest,
    budget: ByteBudget,
    onReleased: (request: GovernedRequest, bytes: number) => void,
  ) {
    this.req = req
    this.#budget = budget
    this.#onReleased = onReleased
  }

  get bytes(): number {
    return this.#reservation?.bytes ?? 0
  }

  get released(): boolean {
    return this.#released
  }

  get signal(): AbortSignal {
    // Made only where somebody asks: it costs more than the rest of an admission.
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#ended !== undefined) this.#controller.abort(this.#ended)
    }
    return this.#controller.signal
  }

  tryGrow(by: ByteSize): boolean {
    const bytes = parseByteSize(by, 'by')
    return this.#reservation?.tryGrow(bytes) ?? false
  }

  shrink(to: ByteSize): void {
    const bytes = parseByteSize(to, 'to')
    this.#reservation?.shrink(bytes)
  }

  async requeue(bytes: ByteSize): Promise<void> {
    const wanted = parseByteSize(bytes, 'bytes')
    if (this.#released)
      throw new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is over', { bytes: wanted })
    const held = this.#reservation
    this.#reservation = undefined
    held?.release()
    // What the body costs is the handler's own affair from here on; how long it may be is not.
    this.price = { ...this.price, bytes: wanted, costOf: undefined }
    await this.acquire(wanted)
  }

  hold(work: PromiseLike<unknown>): void {
    if (this.#released) return
    this.#works++
    const done = (): void => {
      this.#works--
      this.#settle()
    }
    // Promise.resolve, since a thenable of one's own may call back twice, or throw.
    Promise.resolve(work).then(done, done)
  }

  /** Takes bytes without waiting, if it is this request's turn. Those that cost nothing have no turn. */
  tryAcquire(bytes: number): boolean {
    if (bytes === 0) this.#reservation = this.#budget.charge(0)
    else if (this.connection?.isFirst(this) ?? true) this.#reservation = this.#budget.tryAcquire(bytes)
    return this.#reservation !== undefined
  }

  /** Waits for its turn on the connection, then for bytes. */
  async acquire(bytes: number): Promise<void> {
    if (this.connection?.isFirst(this) === false) {
      const others = this.#onTurn
      await new Promise<void>(resolve => {
        this.#onTurn = () => {
          others?.()
          resolve()
        }
      })
    }
    const reservation = await this.#budget.acquire(bytes, { signal: this.signal })
    // Granted, but it was ended before this promise had its turn; or a requeue passed another.
    this.#reservation?.release()
    this.#reservation = reservation
    if (this.#released || this.#ended !== undefined) {
      reservation.release()
      throw this.#ended ?? new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is over', { bytes })
    }
  }

  /** Ends the waiting of a request that has not been admitted. */
  giveUp(error: PlimsollError): void {
    this.#ended ??= error
    this.#controller?.abort(error)
    this.turn()
  }

  /** Notes that it was refused, and keeps nothing. */
  refuse(error: PlimsollError): void {
    this.refusal = error
    this.#released = true
    this.#reservation?.release()
  }

  /**
   * Changes the price, by what it differs from the old one: the handler may have grown or shrunk.
   *
   * @throws `ERR_PLIMSOLL_NO_ROOM`, `ERR_PLIMSOLL_BODY_TOO_LARGE`; then the old price holds
   */
  reprice(price: Price): void {
    const arrived = this.reader?.total ?? 0
    if (arrived > price.limit) throw bodyTooLarge(arrived, price.limit)
    const more = price.bytes - this.price.bytes
    if (more < 0) this.refund(-more)
    else if (more > 0 && !this.tryGrow(more)) {
      throw new PlimsollError('ERR_PLIMSOLL_NO_ROOM', 'There is no room for this request now', {
        bytes: more,
      })
    }
    this.price = price
  }

  payIn(bytes: number): void {
    this.#reservation?.payIn(bytes)
  }

  refund(bytes: number): void {
    this.#reservation?.shrink(Math.max(0, this.#reservation.bytes - bytes))
  }

  bodyOver(): void {
    this.#settle()
  }

  responseOver(clientGone: boolean): void {
    if (clientGone && this.#ended === undefined)
      this.giveUp(new PlimsollError('ERR_PLIMSOLL_CLIENT_GONE', 'The client is gone'))
    this.#responseOver = true
    this.#settle()
  }

  connectionOver(): void {
    this.#connectionOver = true
    this.responseOver(true)
  }

  turn(): void {
    this.#onTurn?.()
    this.#onTurn = undefined
  }

  #settle(): void {
    if (!this.#responseOver) return
    // A handler may answer first and read on.
    if (this.reader?.underWay && !this.#connectionOver) return
    this.#leaveConnection()
    if (this.#works > 0 || this.#released) return
    this.#released = true
    const bytes = this.bytes
    this.#reservation?.release()
    if (this.admitted) this.#onReleased(this, bytes)
  }

  #leaveConnection(): void {
    const { connection } = this
    this.connection = undefined
    connection?.leave(this)
  }
}
