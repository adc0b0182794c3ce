import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { kindOf } from './body-kind.ts'
import { BUFFERED_FREE, costOfBuffered } from './buffered-cost.ts'
import type { ByteBudget } from './byte-budget.ts'
import { type ByteSize, parseByteSize } from './byte-size.ts'
import { Deadline } from './deadline.ts'
import {
  bodyTooLarge,
  clientLeft,
  costTooLarge,
  noRoom,
  type PlimsollError,
  requestOver,
  tooLate,
  tooSlow,
} from './errors.ts'
import { type Connection, type Finalizable, socketOf } from './finalization.ts'
import { BodyHold } from './hold-body.ts'
import { Holding, type Payer } from './holding.ts'
import { READ_AHEAD } from './lending.ts'
import type { BodyPayer, LimitedReader } from './limited-reader.ts'
import { checkDuration } from './options.ts'
import { cutOff } from './outflow.ts'
import { Piece, type PieceOwner } from './piece.ts'
import { FREE, neededOf, type Price } from './price.ts'
import type { Needs } from './queued-reservation.ts'
import { type HttpRequest, type HttpResponse, isHttp2 } from './request-head.ts'
import { RequestWork } from './request-work.ts'
import type { BudgetReservation, Reservation } from './reservation.ts'
import type { Measured, RouteMeasures } from './route-measures.ts'
import type { Route } from './routes.ts'
import type { Share, Shares } from './shares.ts'
import type { Twin } from './twin.ts'
import { countUnattended } from './unattended.ts'
import { Wait } from './wait.ts'

/**
 * What a handler gets of its reservation. It can't release early: bytes that are given back while a
 * response still streams them are the bug this library exists for.
 */
export interface RequestReservation {
  /** Bytes held now. */
  readonly bytes: number
  /** Whether response, connection and held work are all over. */
  readonly released: boolean
  /** Aborts when the client is gone, or the deadline has passed (`ERR_PLIMSOLL_DEADLINE`); its reason says which. */
  readonly signal: AbortSignal
  /** Milliseconds until the deadline: 0 once it has passed, `Infinity` where there is none. For calls further down. */
  readonly remainingMs: number
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
  /**
   * Takes bytes for a piece of work if they are free now, beside all else, to be released on their own: undefined where
   * they are not. What is not released by then goes with the request, or with its `requeue`.
   */
  tryReserve(bytes: ByteSize): Reservation | undefined
  /**
   * Has `signal` abort in so many milliseconds, a whole number, at most 2_147_483_647; a request that waits then is
   * refused. What is later than a deadline that is set already changes nothing: whoever asked does not wait for longer.
   * No effect after the release.
   */
  setDeadline(ms: number): void
  /**
   * Makes the release wait for `work` too, however it settles. No effect after the release.
   *
   * @param name what {@link Governor.heldWork} calls it as long as it goes on
   */
  hold(work: PromiseLike<unknown>, name?: string): void
}

/** Why somebody waits no more whose governor only observes from now on. */
const LET_PASS = new Error('The governor only observes')

/** Who admits requests, and hears what becomes of them. */
export interface RequestKeeper {
  /** Those that wait for their turn or for bytes. */
  readonly waiting: Set<GovernedRequest>
  /** Those that hold work. */
  readonly working: Set<GovernedRequest>
  /** Response, connection and held work are over. */
  released(request: GovernedRequest, bytes: number): void
  /** `requeue` got nothing. */
  requeueRefused(request: GovernedRequest, error: PlimsollError): void
  /** Its response has begun, and has nothing in its buffers after a while. */
  streams(request: GovernedRequest): void
  /** Its response was cut off, and there is nobody to answer; or its deadline has passed, and whoever handles it is told. */
  cutOff(request: GovernedRequest, error: PlimsollError): void
}

/** Who only observes requests. */
interface Understudy {
  /** Makes the twin of one that has cost nothing so far. */
  twinOf(request: GovernedRequest): Twin
}

/** One request on its way from admission to release. */
export class GovernedRequest implements RequestReservation, BodyPayer, Finalizable, Payer, PieceOwner {
  before: Finalizable | undefined = undefined
  after: Finalizable | undefined = undefined
  req: HttpRequest
  res: HttpResponse
  /** Kept, since Node takes it off a request whose stream was destroyed. */
  socket: Socket
  stream: ServerHttp2Stream | undefined
  price: Price = FREE
  /** Bytes of its body by its head; undefined where that does not tell. */
  declared: number | undefined
  /** What its framework tells of its route. */
  route: Route | undefined
  /** What is known of its route; undefined where nothing is. */
  row: RouteMeasures | undefined
  /** Who observes it, where its governor does no more: nothing holds it up. */
  observer: Understudy | undefined
  /** What would have become of it, where it is observed; see {@link understudy}. */
  twin: Twin | undefined
  /** Set on HTTP/1, until it leaves. */
  connection: Connection | undefined
  /** The admission, while it waits. */
  admission: Promise<RequestReservation> | undefined
  admitted = false
  /** What it needs, as far as that is known; and what was guessed beside it. */
  demand = 0
  guess = 0
  /** On the clock of `performance.now()`; 0 where nobody wants to know. */
  admittedAt = 0
  /** Whether it has ever waited for bytes: others may want them, too. */
  waitedForBytes = false
  refusal: PlimsollError | undefined
  /** Whose share its bytes are of; undefined where that has no bound. */
  key: string | undefined
  /** Prices it anew; set while it waits on a guess. */
  priceNow: (() => Price) | undefined
  /** Set once it is admitted with a body. */
  reader: LimitedReader | undefined
  /** What it does besides; undefined where it does nothing. */
  work: RequestWork | undefined
  readonly #budget: ByteBudget
  readonly #shares: Shares | undefined
  readonly #keeper: RequestKeeper
  readonly #holding: Holding
  #responseOver = false
  #connectionOver = false
  #clientGone = false
  /** What its handler has taken besides; and what it has given back of the rest. */
  #taken = 0
  #givenBack = 0
  #released = false
  #controller: AbortController | undefined
  /** Not the handler's signal: the request may go on where the wait ends. */
  #wait: Wait | undefined
  #ended: PlimsollError | undefined
  #requeued: Promise<void> | undefined

  constructor(
    req: HttpRequest,
    res: HttpResponse,
    budget: ByteBudget,
    shares: Shares | undefined,
    keeper: RequestKeeper,
  ) {
    this.req = req
    this.res = res
    this.socket = socketOf(req, res) as Socket
    this.stream = isHttp2(req) ? req.stream : undefined
    this.#budget = budget
    this.#shares = shares
    this.#keeper = keeper
    this.#holding = new Holding(this, budget)
  }

  /** Whether this is who has admitted it. */
  isKeptBy(keeper: RequestKeeper): boolean {
    return this.#keeper === keeper
  }

  get bytes(): number {
    return this.#holding.bytes + (this.work?.bytes ?? 0)
  }

  get released(): boolean {
    return this.#released
  }

  /** Whether it waits for its turn or for bytes. */
  get waiting(): boolean {
    return this.#wait !== undefined
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
    const grown = this.#grow(bytes)
    if (grown) this.#taken += bytes
    return grown
  }

  #grow(bytes: number): boolean {
    if (this.observer !== undefined) return this.#growObserved(bytes)
    // It could not answer before the one that waits, which might be waiting for these very bytes.
    if (this.connection?.isBehindWaiter(this)) return false
    return this.#holding.tryGrow(bytes)
  }

  #growObserved(by: number): boolean {
    if (this.#released) return false
    this.#holding.charge(by)
    this.understudy()?.tryGrow(by)
    return true
  }

  /** Its twin, where it is observed. What has cost nothing gets one only now that it wants something. */
  understudy(): Twin | undefined {
    if (this.observer !== undefined) this.twin ??= this.observer.twinOf(this)
    return this.twin
  }

  shrink(to: ByteSize): void {
    const bytes = parseByteSize(to, 'to')
    // What a handler says that it holds is no guess any more.
    this.price = { ...this.price, bytes: this.price.bytes - this.#holding.endGuess(), response: 0 }
    const less = this.#holding.shrink(bytes)
    const own = Math.min(less, this.#taken)
    this.#taken -= own
    this.#givenBack += less - own
    this.twin?.shrink(bytes)
  }

  requeue(bytes: ByteSize): Promise<void> {
    // One after the other: the second would wait while it holds what the first was granted.
    const last = this.#requeued
    const requeued = last === undefined ? this.#requeue(bytes) : last.then(() => this.#requeue(bytes))
    const over = (): void => {
      if (this.#requeued === settled) this.#requeued = undefined
    }
    const settled = requeued.then(over, over)
    this.#requeued = settled
    return requeued
  }

  async #requeue(bytes: ByteSize): Promise<void> {
    const wanted = parseByteSize(bytes, 'bytes')
    if (this.#released) throw requestOver(wanted)
    // Before its price is that of what it wants.
    const twin = this.understudy()
    this.#holding.drop()
    this.#taken = this.#givenBack = 0
    this.work?.releasePieces()
    // What the body costs is the handler's own affair from here on; how long it may be is not.
    this.price = { ...this.price, bytes: wanted, costOf: undefined, policy: undefined, response: 0 }
    this.priceNow = undefined
    if (twin !== undefined) {
      this.#holding.charge(wanted)
      // What is refused there is noted there.
      twin.requeue(wanted).catch(() => {})
      return
    }
    // What costs nothing does not wait here, either.
    if (wanted === 0 && this.#ended === undefined) {
      this.tryAcquire(0)
      return
    }
    // Who has cost nothing so far was asked for none.
    this.key ??= this.#shares?.of(this.req)
    this.#keeper.waiting.add(this)
    try {
      await this.acquire()
    } catch (error) {
      this.#keeper.requeueRefused(this, error as PlimsollError)
      throw error
    } finally {
      this.#keeper.waiting.delete(this)
    }
  }

  hold(work: PromiseLike<unknown>, name?: string): void {
    if (this.#released) return
    const working = this.working()
    const piece = working.begin(name)
    this.#keeper.working.add(this)
    const done = (): void => {
      working.end(piece)
      if (working.held.size === 0) this.#keeper.working.delete(this)
      this.#settle()
    }
    // Promise.resolve, since a thenable of one's own may call back twice, or throw.
    Promise.resolve(work).then(done, done)
  }

  /** What it does besides, from now on. */
  working(): RequestWork {
    this.work ??= new RequestWork()
    return this.work
  }

  tryReserve(bytes: ByteSize): Reservation | undefined {
    const wanted = parseByteSize(bytes, 'bytes')
    if (this.#released) return undefined
    const piece = new Piece(this, this.#holding.piece(), this.working(), this.understudy()?.tryReserve(0))
    if (piece.tryGrow(wanted)) return piece
    piece.release()
    return undefined
  }

  growPiece(piece: BudgetReservation, by: number): boolean {
    return this.connection?.isBehindWaiter(this) !== true && this.#holding.growPiece(piece, by)
  }

  get remainingMs(): number {
    return this.work?.deadline?.remainingMs ?? Number.POSITIVE_INFINITY
  }

  setDeadline(ms: number): void {
    checkDuration(ms, 'ms')
    if (ms < this.remainingMs) this.#endBy(ms)
  }

  /** What a policy says of its deadline, from when it was first set; that of a later admission goes before. */
  endBy(ms: number): void {
    this.#endBy(ms, this.work?.deadline?.since)
  }

  #endBy(ms: number, since?: number): void {
    if (this.#released || this.work?.deadline?.passed) return
    const work = this.working()
    work.deadline?.clear()
    work.deadline = new Deadline(ms, () => this.#late(), since)
  }

  #late(): void {
    const error = tooLate()
    // Who waits, or has its bytes and is to begin, is refused by this, and that is noted.
    if (this.#wait === undefined && this.admission === undefined && !this.#responseOver)
      this.#keeper.cutOff(this, error)
    this.giveUp(error)
  }

  /** Takes bytes without waiting, if it is this request's turn. Those that cost nothing have no turn. */
  tryAcquire(bytes: number): boolean {
    if (bytes === 0) {
      this.#holding.take(undefined)
      return true
    }
    if (this.connection?.isFirst(this) === false) return false
    const share = this.key === undefined ? undefined : this.#shares?.tryEnter(this.key, bytes)
    if (this.key !== undefined && share === undefined) return false
    const reservation = this.#budget.tryAcquire(bytes)
    if (reservation === undefined) share?.leave(bytes)
    else this.#take(reservation as BudgetReservation, share)
    return reservation !== undefined
  }

  /**
   * Waits for its turn on the connection, for room in its client's share, then for the bytes of its price; all together no
   * longer than the queue allows.
   */
  async acquire(): Promise<void> {
    const wait = new Wait(this.#budget.queue.timeoutMs)
    const { signal } = wait
    if (this.#ended !== undefined) wait.end(this.#ended)
    this.#wait = wait
    let share: Share | undefined
    /** What its share counts for it. */
    let shared = 0
    try {
      if (this.connection?.isFirst(this) === false) await wait.forTurn(this.price.bytes)
      // That ends by what ends the request, too.
      signal.throwIfAborted()
      if (this.key !== undefined) {
        const bytesNow = (): number => {
          shared = this.#bytesNow()
          return shared
        }
        const known = this.price.bytes - (this.price.response ?? 0)
        share = await this.#shares?.enter(this.key, bytesNow, known, signal, wait.leftMs)
      }
      const { bytes, beginsWith } = this.#needs()
      // What turns out to cost nothing passes all.
      let reservation = bytes === 0 ? this.#budget.charge(0) : this.#budget.tryAcquire(bytes)
      this.waitedForBytes ||= reservation === undefined
      const needsNow = this.priceNow && (() => this.#needs())
      // Who waited for nothing else shares the queue's own timer.
      const alone = wait.elsewhere || share !== undefined
      reservation ??= await this.#budget.acquire(
        bytes,
        alone ? { signal, beginsWith, needsNow, timeoutMs: wait.leftMs } : { signal, beginsWith, needsNow },
      )
      share?.giveBack(shared - this.price.bytes)
      this.#take(reservation as BudgetReservation, share)
      share = undefined
      if (!this.#released && this.#ended === undefined) return
      // Granted, but its client went, or the server closed, before this promise had its turn.
      this.#holding.drop()
      throw this.#ended ?? requestOver(bytes)
    } catch (error) {
      if (error !== LET_PASS) throw error
      this.#holding.observe(this.price.bytes)
    } finally {
      share?.leave(shared)
      this.#wait = this.priceNow = undefined
    }
  }

  /** What it costs by what is known now: of one that waits on a guess that may be less than what it was priced at. */
  #bytesNow(): number {
    const price = this.priceNow?.()
    if (price !== undefined && price.bytes < this.price.bytes) this.price = price
    return this.price.bytes
  }

  /** Of a body whose length nobody knows, only what has arrived is needed yet. */
  #needs(): Needs {
    const bytes = this.#bytesNow()
    const { req, price } = this
    const beginsWith =
      price.costOf === undefined ? bytes : Math.min(bytes, neededOf(req, price, bytes, 0) + READ_AHEAD)
    return { bytes, beginsWith }
  }

  /** Ends the waiting of a request that goes on: nothing holds it up any more. */
  letPass(): void {
    this.#wait?.end(LET_PASS)
  }

  #take(reservation: BudgetReservation, share: Share | undefined): void {
    reservation.share = share
    this.#holding.take(reservation)
  }

  /** Ends the waiting of a request that has not been admitted. */
  giveUp(error: PlimsollError): void {
    this.#ended ??= error
    this.#controller?.abort(error)
    this.#wait?.end(error)
  }

  /** Whether it was given up: turns of the loop pass between its grant and its beginning. */
  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** @throws what has ended it */
  throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended
  }

  /** Notes that it was refused, and keeps nothing. */
  refuse(error: PlimsollError): void {
    this.refusal = error
    this.leave()
  }

  /** Keeps nothing from here on. */
  leave(): void {
    this.#released = true
    this.work?.over()
    this.#holding.release()
  }

  /** From here on it is only counted, and holds what it costs, whether or not there is room. */
  pass(observer: Understudy, twin: Twin | undefined): void {
    this.observer = observer
    this.twin = twin
    this.#holding.observe(this.price.bytes)
  }

  /** A later price, for what has come of the body by now; see {@link reprice}. */
  adjust(price: Price): void {
    const repriced = this.reader?.repriced(price) ?? price
    this.claim(repriced)
    this.reprice(repriced)
  }

  /**
   * Has back what a later price needs of what is lent.
   *
   * @throws `ERR_PLIMSOLL_NO_ROOM`
   */
  protected claim(price: Price): void {
    if (!this.#holding.tryClaim(price)) throw noRoom(price.bytes)
  }

  /**
   * Changes the price, by what it differs from the old one: the handler may have grown or shrunk.
   *
   * @throws `ERR_PLIMSOLL_NO_ROOM`, `ERR_PLIMSOLL_BODY_TOO_LARGE`; then the old price holds
   */
  reprice(price: Price): void {
    const arrived = this.reader?.total ?? 0
    if (arrived > price.limit) throw bodyTooLarge(arrived, price.limit)
    const { largest } = this.#budget
    if (price.bytes > largest && this.observer === undefined)
      throw costTooLarge(price.bytes, largest, price.hasBody)
    const more = this.#holding.moreThanNow(price)
    if (more < 0) this.#priceFalls(-more)
    // Its twin grows by itself, below.
    else if (this.observer !== undefined) this.#holding.charge(more)
    else if (more > 0 && !this.#grow(more)) {
      throw noRoom(more)
    }
    this.#holding.priced(price)
    this.price = price
    this.twin?.costs(price.bytes)
  }

  /** It costs so much less, of which its handler may have given back some by itself. */
  #priceFalls(by: number): void {
    const before = Math.min(by, this.#givenBack)
    this.#givenBack -= before
    this.#holding.giveBack(by - before)
  }

  /** From here on its body comes. */
  bodyComes(): void {
    this.#holding.bodyComes()
  }

  payIn(bytes: number): void {
    this.#holding.payIn(bytes)
    this.twin?.payIn(bytes)
  }

  inflates(bytes: number): void {
    if (!this.#holding.mayInflate()) throw noRoom(bytes)
    this.#holding.payIn(bytes)
    this.twin?.inflates(bytes)
  }

  refund(bytes: number): void {
    // Less what the handler has given back of it by itself.
    this.#holding.giveBack(Math.max(0, bytes - this.#givenBack))
    this.twin?.refund(bytes)
  }

  buffered(bytes: number): void {
    this.#holding.buffered(bytes)
    if (bytes <= BUFFERED_FREE && this.twin === undefined) return
    this.row?.buffers(bytes)
    this.understudy()?.buffered(bytes)
  }

  bodyHold(): Pick<BodyHold, 'hold' | 'letCome'> {
    return new BodyHold(this.req)
  }

  /** The most bytes that its response has had in its buffers. */
  get peakBuffered(): number {
    return this.#holding.peakBuffered
  }

  /** What it was like, once it is over. */
  measured(): Measured {
    return {
      declaredBytes: this.declared,
      readBytes: this.reader?.total ?? 0,
      // What was guessed for its response counts as far as it was used.
      reservedBytes:
        this.#holding.peak +
        (this.work?.peakBytes ?? 0) -
        Math.max(0, this.guess - costOfBuffered(this.peakBuffered)),
      heldMs: performance.now() - this.admittedAt,
      read: this.#read,
    }
  }

  get #read(): Measured['read'] {
    const { hasBody, held } = this.price
    if (!hasBody || held === 'nothing') return undefined
    return held === 'window' ? 'stream' : kindOf(this.req.headers)
  }

  joinShare(): Share | undefined {
    const shares = this.#shares
    if (shares === undefined) return undefined
    // What costs nothing has not been asked for its key.
    this.key ??= shares.of(this.req)
    return this.key === undefined ? undefined : shares.join(this.key)
  }

  cut(): void {
    const error = tooSlow(this.bytes)
    if (this.res.writableLength === 0) {
      this.reader?.refuse(error)
      return
    }
    this.#keeper.cutOff(this, error)
    cutOff(this.socket, this.stream)
    // Not all that is cut off says so: what libuv still holds of a connection may keep its 'close' back.
    this.connectionOver()
  }

  guessDropped(): void {
    // What has not begun to answer tells nothing.
    if (this.res.headersSent && this.peakBuffered <= BUFFERED_FREE) this.#keeper.streams(this)
  }

  departs(bytes: number): void {
    this.#budget.departures.add(this.socket, bytes)
  }

  bodyOver(): void {
    this.#settle()
  }

  answered(window: number): void {
    const { reader } = this
    // By somebody else, while it waits; or it has no body, and its client leaves the stream open all the same.
    if (this.admission !== undefined || reader === undefined) this.responseOver(false)
    // What somebody has begun to read he may read on, and what is held has a use for its bytes.
    else if (!reader.complete && !this.req.readableDidRead && !this.#works) this.#holding.shrink(window)
  }

  responseOver(clientGone: boolean): void {
    if (clientGone && this.#ended === undefined) this.giveUp(clientLeft())
    // Somebody has answered while it waited: it wants no bytes any more.
    else if (this.admission !== undefined) this.giveUp(requestOver())
    if (clientGone) {
      this.#clientGone = true
      this.work?.clientLeft()
    }
    this.#responseOver = true
    this.#settle()
  }

  connectionOver(): void {
    this.#connectionOver = true
    this.responseOver(true)
  }

  turn(): void {
    this.#wait?.turn()
  }

  #settle(): void {
    if (!this.#responseOver) return
    // A handler may answer first and read on.
    if (this.reader?.underWay && !this.#connectionOver) return
    this.#leaveConnection()
    if (this.#works || this.#released) return
    this.#released = true
    // What its handler still waits for has no use any more.
    this.#wait?.end(requestOver(this.price.bytes))
    const { bytes } = this
    this.work?.over()
    // Before its bytes are somebody else's.
    if (this.#clientGone && this.admitted && this.observer === undefined)
      countUnattended(this, bytes, this.#budget.leftovers)
    this.#holding.release()
    if (this.admitted) this.#keeper.released(this, bytes)
  }

  /** Whether it holds work that goes on. */
  get #works(): boolean {
    return this.work !== undefined && this.work.held.size > 0
  }

  #leaveConnection(): void {
    const { connection } = this
    this.connection = undefined
    connection?.leave(this)
  }
}
