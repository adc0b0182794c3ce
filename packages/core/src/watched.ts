import type { KernelQueues } from './kernel-queues.ts'
import type { Linked } from './linked-list.ts'
import type { BudgetReservation } from './reservation.ts'

/** How often it looks, while somebody waits. */
export const LOOK_EVERY_MS = 100

/** A client that moves less than this within its grace stands still. */
export const STILL_BYTES = 4 * 1024

/**
 * How long a client may stand still while others wait for what it keeps: Kestrel's grace for a body
 * (`MinRequestBodyDataRate`: 240 bytes a second, after 5 seconds).
 */
export const GRACE_MS = 5000

/**
 * The grace of who keeps much. A client on a link of 800 kbit/s is seen to take its answer every two seconds, and so is
 * one that reads 400 KB a second by itself, since its receive window opens in large steps (both measured).
 */
export const LEAST_GRACE_MS = 2500

/**
 * The same where clients that stood still have kept as much as the whole budget within the last grace. A sender whose
 * packet was lost is silent for a second (RFC 6298); what a reader acknowledges is seen every half a second on a link
 * of 800 kbit/s, where the kernel tells.
 */
export const HURRIED_GRACE_MS = { sends: 1000, acknowledges: 500 } as const

/**
 * This part of the capacity may be kept for all of the grace; who keeps more gets inversely less. As much as the least grace
 * is shorter in a hurry, so is the part smaller.
 */
const FULL_GRACE_SHARE = 1 / 40

/**
 * How long what was guessed for a response is kept while others wait. Event streams and long polls of a route that was
 * not seen yet buffer nothing, and would keep it for hours; whoever reads a file has begun by then.
 */
const GUESS_MS = 2000

/** Over how many looks a sender's pace is taken. */
const PACE_LOOKS = 2

/** A sender is slow, and its promise is lent, who at its pace would need longer than this for the rest. */
const LONG_MS = 10_000

/** Somebody who holds bytes, as the watch sees him. */
export interface Holder {
  /** What he has reserved; undefined where that is nothing now. */
  readonly reservation: BudgetReservation | undefined
  /** What he holds beyond that. */
  readonly overflow: BudgetReservation | undefined
  /** Bytes that his client has ever sent or taken. */
  moved(): number
  /** What it is for his client to do: to send what was promised, or to take what is buffered for it. */
  owed(): 'sends' | 'takes' | undefined
  /** Bytes that his client has ever acknowledged; undefined where the kernel does not tell. */
  acknowledged(queues: KernelQueues): number | undefined
  /** Of what was promised, how much is in use by now; undefined where nothing more is to be sent. */
  needed(): number | undefined
  /** Lends what is reserved and not needed. Where that is nothing ever, nobody asks. */
  lend?(reservation: BudgetReservation, needed: number): void
  /** Gives back what was reserved by guess for a response that buffers less by now. Any number of calls. */
  dropGuess(): void
  /** Ends it. What it holds may come free a while later. */
  cut(): void
}

/** One holder, and what was seen of him. */
export class Watched implements Linked<Watched> {
  before: Watched | undefined = undefined
  after: Watched | undefined = undefined
  readonly holder: Holder
  cut = false
  /** Whether its client had moved at the last look, however little. */
  moves = false
  /** What its client had moved by then. */
  readonly began: number
  #lastMoved: number
  #cutForMs = 0
  #seenForMs = 0
  #stillMs = 0
  /** So much of it the kernel has confirmed: its figures may be seconds apart where many are connected. */
  #confirmedMs = 0
  #owed: 'sends' | 'takes' | undefined
  #acknowledged: number | undefined
  #movedBefore = 0
  #paceFrom = 0
  #paceLooks = 0
  #pace = Number.POSITIVE_INFINITY

  constructor(holder: Holder) {
    this.holder = holder
    this.began = this.#lastMoved = this.#paceFrom = this.#movedBefore = holder.moved()
  }

  /** Whether the client would need long for `rest` bytes at its pace, which is endless until it is known. */
  isSlowFor(rest: number): boolean {
    return this.#pace * (LONG_MS / (PACE_LOOKS * LOOK_EVERY_MS)) < rest
  }

  /** For how long the client has stood still, of the time in which somebody looked. */
  get stillMs(): number {
    return this.#stillMs
  }

  /** Whether that is too long for who keeps such a part of the capacity. */
  isTooStill(part: number, hurried: boolean): boolean {
    // On HTTP/2 a client opens its window by half, for one of its streams after the other.
    if (this.#knownBy === 'takes') return this.#stillMs >= GRACE_MS
    const leastMs = hurried ? HURRIED_GRACE_MS[this.#knownBy] : LEAST_GRACE_MS
    const stillMs = this.#knownBy === 'acknowledges' ? this.#confirmedMs : this.#stillMs
    const fullGraceShare = (FULL_GRACE_SHARE * leastMs) / LEAST_GRACE_MS
    return stillMs >= Math.max(leastMs, Math.min(GRACE_MS, (GRACE_MS * fullGraceShare) / part))
  }

  get #knownBy(): 'sends' | 'acknowledges' | 'takes' {
    if (this.#owed !== 'takes') return 'sends'
    return this.#acknowledged === undefined ? 'takes' : 'acknowledges'
  }

  /** Whether it was cut just now, and what it holds will come free. Later that is in the hands of its handler alone. */
  get leaves(): boolean {
    return this.cut && this.#cutForMs < GRACE_MS
  }

  look(sinceMs: number): void {
    if (this.cut) this.#cutForMs += sinceMs
    this.#seenForMs += sinceMs
    if (this.#seenForMs >= GUESS_MS) this.holder.dropGuess()
    const moved = this.holder.moved()
    this.moves = moved !== this.#lastMoved
    this.#lastMoved = moved
    this.#owed = this.holder.owed()
    if (this.#owed === undefined) {
      // The next time it is a client's turn, its grace begins anew.
      this.#restart()
      this.#movedBefore = moved
      this.#restartPace(moved, Number.POSITIVE_INFINITY)
      return
    }
    if (moved - this.#movedBefore >= STILL_BYTES) {
      this.#restart()
      this.#movedBefore = moved
    } else this.#stillMs += sinceMs
    this.#paceLooks++
    if (this.#paceLooks === PACE_LOOKS) this.#restartPace(moved, moved - this.#paceFrom)
  }

  /** Whether only the kernel can tell what the client takes. */
  get seemsStill(): boolean {
    return this.#owed === 'takes' && this.#stillMs > 0
  }

  /** The kernel's own figures have been read. */
  lookCloser(queues: KernelQueues): void {
    const bytes = this.holder.acknowledged(queues)
    if (bytes === undefined) return
    const before = this.#acknowledged
    if (before !== undefined && bytes - before < STILL_BYTES) {
      this.#confirmedMs = this.#stillMs
      return
    }
    // Before the first figure it may have taken more than Node knows.
    this.#stillMs = before === undefined ? Math.min(this.#stillMs, LOOK_EVERY_MS) : 0
    this.#confirmedMs = 0
    this.#acknowledged = bytes
  }

  #restart(): void {
    this.#stillMs = this.#confirmedMs = 0
    this.#acknowledged = undefined
  }

  #restartPace(moved: number, pace: number): void {
    this.#pace = pace
    this.#paceFrom = moved
    this.#paceLooks = 0
  }
}
