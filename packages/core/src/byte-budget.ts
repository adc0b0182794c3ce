import { Account } from './account.ts'
import { type ByteSize, parseByteSize } from './byte-size.ts'
import { costTooLarge, PlimsollError } from './errors.ts'
import { checkDuration, checkOptions, type QueueOptions, resolveQueueOptions } from './options.ts'
import { QueuedReservation } from './queued-reservation.ts'
import { BudgetReservation, type Reservation } from './reservation.ts'
import { FifoQueue, type WaitQueue } from './wait-queue.ts'
import { WaitTimer } from './wait-timer.ts'

/** When a waiter is due that has a timer of its own. */
const NEVER = -1

/** How much a budget is, and who may wait for it. */
export interface ByteBudgetOptions {
  /** Bytes that may be reserved at once. 0 is legal and admits only what costs nothing. */
  readonly capacity: ByteSize
  /** Bounds of its queue. Default: 1000 waiters, 30_000 ms each. */
  readonly queue?: QueueOptions
}

/** How long one wait may last. */
export interface AcquireOptions {
  /** Leaves the queue when aborted; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** How long to wait at most, in milliseconds. Default: the budget's `queue.timeoutMs`. */
  readonly timeoutMs?: number
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
  readonly #line: WaitQueue<QueuedReservation> = new FifoQueue()
  readonly #timer = new WaitTimer<QueuedReservation>(
    () => this.#line.oldest(waiter => waiter.dueAt !== NEVER),
    waiter => this.#expire(waiter),
  )
  /** The bounds of the queue, resolved. */
  readonly queue: Readonly<Required<QueueOptions>>

  /** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
  constructor(options: ByteBudgetOptions) {
    checkOptions(options, ['capacity', 'queue'], 'options')
    this.queue = resolveQueueOptions(options.queue)
    this.#account = new Account(parseByteSize(options.capacity, 'capacity'), () => this.#drain())
  }

  /** Bytes that may be reserved at once. */
  get capacity(): number {
    return this.#account.capacity
  }

  /** The largest capacity this budget was ever given; what costs more can never fit. */
  get configuredCapacity(): number {
    return this.#account.configured
  }

  /** Bytes reserved now. More than `capacity` is a debt. */
  get reserved(): number {
    return this.#account.promised
  }

  /** Bytes of those reserved that have arrived. */
  get paidIn(): number {
    return this.#account.paidIn
  }

  /** Bytes free now; 0 in debt. */
  get available(): number {
    return Math.max(0, this.#account.capacity - this.#account.promised)
  }

  /** How many wait. */
  get waiting(): number {
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
    return this.#line.admits(wanted, this.#account) ? this.charge(wanted) : undefined
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
      const { configured } = this.#account
      if (wanted > configured) throw costTooLarge(wanted, configured, false)
      if (this.#line.admits(wanted, this.#account)) {
        resolve(this.charge(wanted))
        return
      }
      if (this.#line.size >= this.queue.limit) {
        throw new PlimsollError('ERR_PLIMSOLL_QUEUE_FULL', 'Too many requests wait already', {
          bytes: wanted,
          limit: this.queue.limit,
        })
      }
      this.#enqueue(wanted, timeoutMs, options.signal, resolve)
    })
  }

  /**
   * Reserves without asking, as a debt where there is no room: for what costs nothing and must not
   * wait, and for bytes that are in memory already.
   *
   * @internal
   */
  charge(bytes: number): BudgetReservation {
    this.#account.promised += bytes
    return new BudgetReservation(this.#account, bytes)
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
    this.#drain()
  }

  #enqueue(
    bytes: number,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    resolve: (reservation: BudgetReservation | PromiseLike<never>) => void,
  ): void {
    // Whole milliseconds, rounded up: a fraction would be an object of its own for each waiter.
    const now = Math.ceil(performance.now())
    const waitsAsAll = timeoutMs === this.queue.timeoutMs
    const dueAt = waitsAsAll ? now + timeoutMs : NEVER
    const waiter = new QueuedReservation(this.#account, bytes, dueAt, signal, resolve)
    this.#line.add(waiter)
    if (waitsAsAll) this.#timer.start(now)
    else {
      const timer = setTimeout(() => this.#expire(waiter), timeoutMs)
      waiter.whenOver(() => clearTimeout(timer))
    }
    if (signal !== undefined) {
      const onAbort = (): void => this.#leave(waiter, signal.reason)
      signal.addEventListener('abort', onAbort)
      waiter.whenOver(() => signal.removeEventListener('abort', onAbort))
    }
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
    if (this.#line.size === 0) this.#timer.stop()
    // It may have been the head that kept the others waiting.
    else this.#drain()
  }

  #drain(): void {
    if (this.#line.size === 0) return
    let waiter = this.#line.next(this.#account)
    while (waiter !== undefined) {
      this.#line.remove(waiter)
      // Aborted, but told so only after another waiter on the same signal.
      if (waiter.signal?.aborted) waiter.fail(waiter.signal.reason)
      else {
        this.#account.promised += waiter.bytes
        waiter.grant()
      }
      waiter = this.#line.next(this.#account)
    }
    if (this.#line.size === 0) this.#timer.stop()
  }
}
