import { Account } from './account.ts'
import { type ByteSize, parseByteSize } from './byte-size.ts'
import { Departures } from './departures.ts'
import { costTooLarge, optionError, PlimsollError } from './errors.ts'
import { NO_LANE, smallFor } from './lane.ts'
import { Leftovers } from './leftovers.ts'
import { Lending, Loan } from './lending.ts'
import type { Looks } from './looks.ts'
import { type GiveBack, LowerPriority } from './lower-priority.ts'
import {
  checkDuration,
  checkOptions,
  type QueueOptions,
  type ResolvedQueue,
  resolveQueueOptions,
} from './options.ts'
import { type Needs, QueuedReservation } from './queued-reservation.ts'
import { BudgetReservation, type Reservation } from './reservation.ts'
import { WaitQueue } from './wait-queue.ts'
import { WaitTimer } from './wait-timer.ts'
import { Watch } from './watch.ts'
import type { Holder, Watched } from './watched.ts'

/** When a waiter is due that has a timer of its own. */
const NEVER = -1

/** How much a budget is, and who may wait for it. */
export interface ByteBudgetOptions {
  /** Bytes that may be reserved at once. 0 is legal and admits only what costs nothing. */
  readonly capacity: ByteSize
  /** Bounds of its queue. Default: 1000 waiters, 30_000 ms each. */
  readonly queue?: QueueOptions
  /**
   * Whether a process goes on for those who wait, and nothing else. Default: true.
   *
   * @internal
   */
  readonly keepsProcess?: boolean
}

/** Bytes beside the capacity of a budget, for small requests. */
export interface Lane {
  /** Bytes that may be reserved in it at once. */
  readonly capacity: number
  /** Bytes reserved in it. */
  readonly reserved: number
}

/** How long one wait may last. */
export interface AcquireOptions {
  /** Leaves the queue when aborted; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** How long to wait at most, in milliseconds. Default: the budget's `queue.timeoutMs`. */
  readonly timeoutMs?: number
  /**
   * With how much it may begin where not all is free, the rest being lent.
   *
   * @internal
   */
  readonly beginsWith?: number
  /**
   * Where what it wants is a guess: asked at each {@link ByteBudget.reprice}. More than before changes nothing.
   *
   * @internal
   */
  readonly needsNow?: (() => Needs) | undefined
}

/**
 * A semaphore that counts bytes, with a bounded queue.
 *
 * Whoever frees bytes (release, shrink, resize, a waiter that leaves) grants them to the queue before
 * its call returns, and a newcomer never passes a queue it would have to join. So the order of grants
 * is the order of the queue, whatever promises do in between.
 */
export class ByteBudget {
  readonly #account: Account
  readonly #lane: Account
  /** Beside the capacity, for those who cost more than that: only in a turn, and none by default. */
  readonly #giants: Account
  #giantsMayCome = false
  #giantsHurry = false
  /** Up to so many bytes a request may take the lane. A power of two. */
  readonly #small: number
  readonly #lending: Lending
  readonly #line: WaitQueue<QueuedReservation>
  readonly #watch = new Watch(() => this.#waitsForOurs)
  readonly #lowerPriority = new LowerPriority()
  #outside = 0
  readonly #timer: WaitTimer<QueuedReservation>
  readonly #keepsProcess: boolean
  /**
   * What is looked at before anybody is let in.
   *
   * @internal
   */
  looks: Looks | undefined
  /**
   * What the kernel still has of responses that are over.
   *
   * @internal
   */
  readonly departures: Departures
  /**
   * What handlers still have of requests that are over.
   *
   * @internal
   */
  readonly leftovers: Leftovers
  /** The bounds of the queue, resolved. */
  readonly queue: ResolvedQueue

  /** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
  constructor(options: ByteBudgetOptions) {
    checkOptions(options, ['capacity', 'queue', 'keepsProcess'], 'options')
    this.queue = resolveQueueOptions(options.queue)
    const capacity = parseByteSize(options.capacity, 'capacity')
    if (this.queue.lane > capacity)
      throw optionError('queue.lane', 'no more than the capacity', this.queue.lane)
    const freed = (): void => this.#drain()
    const standsAside = (): boolean => this.#standsAside()
    this.#account = new Account(capacity, { freed, shortage: () => this.#shortage(), standsAside })
    this.leftovers = new Leftovers(this.#account)
    const shortage = (): number => lacking(this.#smallest(), this.#lane)
    this.#lane = new Account(this.queue.lane, { freed, shortage, standsAside }, this.#account)
    this.#small = smallFor(this.#lane.capacity)
    this.#giants = new Account(0, {
      freed,
      shortage: () => (this.#giantsHurry ? this.#giants.promised : 0),
      standsAside,
    })
    this.#lending = new Lending(this.#account)
    this.departures = new Departures(this.#account, () => this.#lacking, this)
    this.onShortage(() => this.departures.settle())
    this.#line = new WaitQueue(this.queue.passBytes, waiter => this.#lending.mayBegin(waiter))
    const { keepsProcess = true } = options
    this.#keepsProcess = keepsProcess
    this.#timer = new WaitTimer(
      () => this.#line.oldest(waiter => waiter.dueAt !== NEVER),
      waiter => this.#expire(waiter),
      keepsProcess,
    )
  }

  /** Bytes that may be reserved at once. */
  get capacity(): number {
    return this.#account.capacity
  }

  /** The largest capacity this budget was ever given; what costs more can never fit. */
  get configuredCapacity(): number {
    return this.#account.configured
  }

  /**
   * What can be waited for: more than the configured capacity where giants have their turn.
   *
   * @internal
   */
  get largest(): number {
    return Math.max(this.#account.configured, this.#giants.capacity)
  }

  /**
   * Bytes of those who cost more than the capacity, and are beside it.
   *
   * @internal
   */
  get giants(): number {
    return this.#giants.promised
  }

  /** Bytes that newcomers may fill now: the capacity, or less while memory is short. */
  get ceiling(): number {
    return Math.min(this.#account.capacity, this.#account.ceiling)
  }

  /** Bytes reserved now. More than `capacity` is a debt. */
  get reserved(): number {
    return this.#account.promised
  }

  /** Bytes of those reserved that have arrived. */
  get paidIn(): number {
    return this.#account.paidIn
  }

  /**
   * Whether a request of so many bytes may take the lane.
   *
   * @internal
   */
  isSmall(bytes: number): boolean {
    return bytes <= this.#small
  }

  /**
   * Bytes that are reserved no more, and of which Linux says that the kernel still has them for clients that have not
   * taken their responses yet. Of those beyond an allowance newcomers find so much less room.
   */
  get departed(): number {
    return this.departures.bytes
  }

  /** Bytes that a newcomer finds free now; 0 in debt. */
  get available(): number {
    return Math.max(0, this.#account.free)
  }

  /** Bytes that were promised to slow senders, and are lent to others meanwhile. */
  get lent(): number {
    return this.#account.lent
  }

  /** The lane of small requests: bytes beside the capacity. */
  get lane(): Lane {
    const { capacity, promised } = this.#lane
    return { capacity, reserved: promised }
  }

  /** How many senders, whose promise was lent, are not read on: there is no room for what they send. */
  get halted(): number {
    return this.#lending.halted
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.size + this.#outside
  }

  /**
   * Of those who wait, how many wait for this budget's bytes, and not for room in the share of their client.
   *
   * @internal
   */
  get queued(): number {
    return this.#line.size
  }

  /**
   * Reserves at once or not at all: undefined where the bytes are not free, where others wait for
   * theirs, or where they can never fit.
   *
   * @throws `ERR_PLIMSOLL_OPTION` where `bytes` is no size
   */
  tryAcquire(bytes: ByteSize): Reservation | undefined {
    const wanted = parseByteSize(bytes, 'bytes')
    const account = this.#roomFor(wanted)
    return account && this.#charge(account, wanted)
  }

  /**
   * Reserves, waiting its turn where it must. Rejects (it never throws) with
   * - `ERR_PLIMSOLL_COST_OVER_BUDGET` at once, where it can never fit,
   * - `ERR_PLIMSOLL_QUEUE_FULL` at once, where `queue.limit` wait already,
   * - `ERR_PLIMSOLL_QUEUE_TIMEOUT` after `timeoutMs`,
   * - `ERR_PLIMSOLL_OPTION` where an argument is no size or no duration,
   * - the signal's reason.
   *
   * Nothing is held after a rejection.
   */
  acquire(bytes: ByteSize, options: AcquireOptions = {}): Promise<Reservation> {
    // What the executor throws becomes the rejection.
    return new Promise(resolve => {
      const wanted = parseByteSize(bytes, 'bytes')
      const timeoutMs =
        options.timeoutMs === undefined ? this.queue.timeoutMs : checkDuration(options.timeoutMs, 'timeoutMs')
      options.signal?.throwIfAborted()
      const { largest } = this
      if (wanted > largest) throw costTooLarge(wanted, largest, false)
      const account = this.#roomFor(wanted)
      if (account !== undefined) {
        resolve(this.#charge(account, wanted))
        return
      }
      if (this.#line.size >= this.queue.limit) {
        throw new PlimsollError('ERR_PLIMSOLL_QUEUE_FULL', 'Too many requests wait already', {
          bytes: wanted,
          limit: this.queue.limit,
        })
      }
      const { beginsWith = wanted, needsNow, signal } = options
      this.#enqueue({ bytes: wanted, beginsWith }, needsNow, timeoutMs, signal, resolve)
    })
  }

  /**
   * Reserves without asking, as a debt where there is no room: for what costs nothing and must not
   * wait, and for bytes that are in memory already.
   *
   * @internal
   */
  charge(bytes: number): BudgetReservation {
    return this.#charge(this.#account, bytes)
  }

  #charge(account: Account, bytes: number): BudgetReservation {
    account.promised += bytes
    return new BudgetReservation(account, bytes)
  }

  /**
   * Has an eye on somebody who holds bytes, for as long as others wait for them.
   *
   * @internal
   */
  watch(holder: Holder): Watched {
    const watched = this.#watch.add(holder)
    if (this.#pressed) this.#watch.start()
    return watched
  }

  /**
   * For how long nothing has moved and nothing was released, of the time in which others were queued for it.
   *
   * @internal
   */
  get stillMs(): number {
    return this.#watch.stillMs
  }

  /**
   * Something was released that had waited for its bytes, or others for these.
   *
   * @internal
   */
  stirred(): void {
    this.#watch.stirred()
  }

  /** @internal */
  unwatch(watched: Watched): void {
    this.#watch.remove(watched)
  }

  /** @internal */
  loanOf(reservation: BudgetReservation, onHalt: (halted: boolean) => void): Loan {
    return new Loan(this.#lending, reservation, halted => {
      onHalt(halted)
      if (halted) this.#watch.start()
      else this.#rest()
    })
  }

  /**
   * Adds somebody who holds bytes of this budget only for as long as nobody else wants them: before a newcomer is made
   * to wait, or refused, he is told how many bytes that one lacks, and gives back what he can within the call. He takes
   * bytes by `tryGrow`, and only while `waiting` is 0.
   *
   * @returns what takes him out again
   */
  onShortage(giveBack: GiveBack): () => void {
    return this.#lowerPriority.add(giveBack)
  }

  #roomFor(bytes: number): Account | undefined {
    this.looks?.wake()
    const room = this.#roomNow(bytes)
    if (room !== undefined || bytes > this.#account.open) return room
    return this.#lowerPriority.ask(() => bytes - this.#account.free) ? this.#roomNow(bytes) : undefined
  }

  /** Where a newcomer finds room without passing anybody it would have to stand behind. */
  #roomNow(bytes: number): Account | undefined {
    if (this.#lending.first === undefined && this.#line.admits(bytes, this.#account)) return this.#account
    const small = bytes <= this.#small && this.#lane.fits(bytes) && this.#smallest() === undefined
    return small ? this.#lane : undefined
  }

  /**
   * Somebody waits, or does no more, for bytes of this budget who is in no queue of it.
   *
   * @internal
   */
  press(by: 1 | -1): void {
    this.#outside += by
    if (by > 0) this.#watch.start()
    else this.#rest()
  }

  /** Whether anybody is queued for what is held here, and not for the turn of another worker. */
  get #waitsForOurs(): boolean {
    const { configured } = this.#account
    return this.queued > 0 && (this.#giants.promised > 0 || this.#line.head(configured) !== undefined)
  }

  /** Whether anybody waits for bytes that others hold. */
  get #pressed(): boolean {
    return this.waiting + this.halted > 0 || this.#giantsHurry
  }

  #shortage(): number {
    const { promised, capacity, reach } = this.#account
    if (this.#lending.first !== undefined) return this.#lending.shortage
    if (this.#line.head(reach) !== undefined) return this.#lacking
    // Whom the ceiling keeps out gets in once he is alone.
    return this.#line.head(capacity) === undefined ? 0 : promised
  }

  /** How many bytes the newcomer lacks whose turn it is. */
  get #lacking(): number {
    const { reach, free } = this.#account
    const next = this.#line.head(reach)
    return next === undefined || this.#lending.first !== undefined ? 0 : this.#lending.leastFor(next) - free
  }

  #standsAside(): boolean {
    const { open, reach } = this.#account
    return this.#line.head(open) !== this.#line.head(reach)
  }

  /**
   * Changes the capacity. A smaller one revokes nothing: nobody is admitted until releases have
   * cleared the debt. Waiters larger than the new capacity keep their place and let others pass.
   *
   * @throws `ERR_PLIMSOLL_OPTION` where `capacity` is no size
   */
  resize(capacity: ByteSize): void {
    this.#account.capacity = parseByteSize(capacity, 'capacity')
    this.#account.configured = Math.max(this.#account.configured, this.#account.capacity)
    this.#giants.capacity = 0
    this.departures.resize()
    this.#drain()
  }

  /**
   * Changes the capacity for good: what costs more can never fit, or waits for {@link letGiantsIn} up to `giants`.
   *
   * @internal
   */
  configure(capacity: number, giants = 0): void {
    this.#account.configured = capacity
    this.resize(capacity)
    this.#giants.capacity = giants
  }

  /**
   * Whether anybody waits for more than the capacity.
   *
   * @internal
   */
  get giantsWait(): boolean {
    return this.#firstGiant !== undefined
  }

  get #firstGiant(): QueuedReservation | undefined {
    const { configured } = this.#account
    const { capacity } = this.#giants
    if (capacity <= configured) return undefined
    return this.#line.oldest(({ bytes }) => bytes > configured && bytes <= capacity)
  }

  /**
   * Whether those come in who wait for more than the capacity, beside it, as there is room for them.
   *
   * @internal
   */
  letGiantsIn(may: boolean): void {
    this.#giantsMayCome = may
    this.#drain()
  }

  /**
   * Whether others wait, in no queue of it, for the giants to be over: if these stand still, they are cut then.
   *
   * @internal
   */
  hurryGiants(hurry: boolean): void {
    this.#giantsHurry = hurry && this.#giants.promised > 0
    if (this.#giantsHurry) this.#watch.start()
    else this.#rest()
  }

  /**
   * Lets newcomers fill no more than this, beside the capacity, which stays as it was set. Lanes have none, and who would
   * be alone passes it.
   *
   * @internal
   */
  tighten(ceiling: number): void {
    const { ceiling: before } = this.#account
    this.#account.ceiling = this.#giants.ceiling = ceiling
    // Where it falls, who stands first may stand aside for others.
    if (ceiling !== before) this.#drain()
  }

  /**
   * Something was learned of what requests cost: whoever waits for what was only guessed is asked anew.
   *
   * @internal
   */
  reprice(): void {
    if (!this.#line.reprice()) return
    // What turns out to cost nothing passes all, as it would have done.
    for (let free = this.#line.smallest(0); free !== undefined; free = this.#line.smallest(0))
      this.#letIn(free)
    this.#drain()
  }

  #enqueue(
    needs: Needs,
    needsNow: (() => Needs) | undefined,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    resolve: (reservation: BudgetReservation | PromiseLike<never>) => void,
  ): void {
    // Whole milliseconds, rounded up: a fraction would be an object of its own for each waiter.
    const now = Math.ceil(performance.now())
    const waitsAsAll = timeoutMs === this.queue.timeoutMs
    const dueAt = waitsAsAll ? now + timeoutMs : NEVER
    const waiter = new QueuedReservation(this.#account, needs, needsNow, dueAt, signal, resolve)
    this.#line.add(waiter)
    this.#watch.start()
    if (waitsAsAll) this.#timer.start(now)
    else {
      const timer = setTimeout(() => this.#expire(waiter), timeoutMs)
      if (!this.#keepsProcess) timer.unref()
      waiter.whenOver(() => clearTimeout(timer))
    }
    if (signal !== undefined) {
      const onAbort = (): void => this.#leave(waiter, signal.reason)
      signal.addEventListener('abort', onAbort)
      waiter.whenOver(() => signal.removeEventListener('abort', onAbort))
    }
    // It may pass who stands before it: nobody knows when bytes come free the next time.
    if (this.#account.admits(needs.beginsWith)) this.#drain()
  }

  #expire(waiter: QueuedReservation): void {
    const { bytes } = waiter
    this.#leave(
      waiter,
      new PlimsollError('ERR_PLIMSOLL_QUEUE_TIMEOUT', 'Waited too long for memory', { bytes }),
    )
  }

  #leave(waiter: QueuedReservation, error: unknown): void {
    waiter.fail(error)
    this.#line.remove(waiter)
    // It may have been the head that kept the others waiting.
    this.#drain()
    this.#rest()
  }

  #drain(): void {
    // Nearly always, and with each release.
    if (this.#line.size === 0 && this.#lending.halted === 0) return
    if (this.#lending.halted > 0) this.#lending.resume()
    this.#grant()
    this.#rest()
  }

  /** Nobody is timed or watched where nobody waits. */
  #rest(): void {
    if (this.#line.size === 0) this.#timer.stop()
    if (!this.#pressed) this.#watch.stop()
  }

  #grant(): void {
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) this.#letIn(waiter)
  }

  #letIn(waiter: QueuedReservation): void {
    this.#line.remove(waiter)
    // Aborted, but told so only after another waiter on the same signal.
    if (waiter.signal?.aborted) waiter.fail(waiter.signal.reason)
    else {
      waiter.grant()
      if (waiter.lent > 0) this.#lending.begin(waiter)
    }
  }

  /** Whoever may be granted now, with the account that it is granted from. */
  #next(): QueuedReservation | undefined {
    const waiter = this.#lending.first === undefined ? this.#line.next(this.#account) : undefined
    if (waiter !== undefined) return waiter
    const small = this.#smallest()
    if (small !== undefined && this.#lane.fits(small.bytes)) {
      small.drawOn(this.#lane)
      return small
    }
    const giant = this.#giantsMayCome ? this.#firstGiant : undefined
    if (giant === undefined || !this.#giants.admits(giant.bytes)) return undefined
    giant.drawOn(this.#giants)
    return giant
  }

  #smallest(): QueuedReservation | undefined {
    return this.#small === NO_LANE ? undefined : this.#line.smallest(this.#small)
  }
}

/** How many bytes a newcomer lacks. */
function lacking(waiter: QueuedReservation | undefined, account: Account): number {
  return waiter === undefined ? 0 : waiter.bytes - account.free
}
