import type { Account } from './account.ts'
import { type Linked, LinkedList } from './linked-list.ts'
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

/** The grace of who keeps much. Less would cut clients whose packet was lost twice (RFC 6298: 1 s at first). */
export const LEAST_GRACE_MS = 1000

/** This part of the capacity may be kept for all of the grace; who keeps more gets inversely less. */
const FULL_GRACE_SHARE = 1 / 32

/** Over how many looks a sender's pace is taken. */
const PACE_LOOKS = 2

/** A sender is slow, and its promise is lent, who at its pace would need longer than this for the rest. */
const LONG_MS = 10_000

/** Somebody who holds bytes, as the watch sees him. */
export interface Holder {
  /** What he holds; undefined where that is nothing now. */
  readonly reservation: BudgetReservation | undefined
  /** Bytes held, all together. */
  readonly bytes: number
  /** Bytes that his client has ever sent or taken. */
  moved(): number
  /** Whether it is for his client to move: to send what was promised, or to take what is buffered for it. */
  isOwed(): boolean
  /** Of what was promised, how much is in use by now; undefined where nothing more is to be sent. */
  needed(): number | undefined
  /** Lends what is promised and not in use. */
  lend(): void
  /** Ends it. What it holds may come free a while later. */
  cut(): void
}

/** One holder, and what was seen of him. */
export class Watched implements Linked<Watched> {
  before: Watched | undefined = undefined
  after: Watched | undefined = undefined
  readonly holder: Holder
  cut = false
  /** For how long the client has stood still, of the time in which somebody looked. */
  stillMs = 0
  #movedBefore = 0
  #paceFrom = 0
  #paceLooks = 0
  #pace = Number.POSITIVE_INFINITY

  constructor(holder: Holder) {
    this.holder = holder
    this.#paceFrom = this.#movedBefore = holder.moved()
  }

  /** Bytes moved within `PACE_LOOKS` looks; unknown, it is endless. */
  get pace(): number {
    return this.#pace
  }

  look(sinceMs: number): void {
    const moved = this.holder.moved()
    if (!this.holder.isOwed()) {
      // The next time it is a client's turn, its grace begins anew.
      this.stillMs = 0
      this.#movedBefore = moved
      this.#restartPace(moved, Number.POSITIVE_INFINITY)
      return
    }
    if (moved - this.#movedBefore >= STILL_BYTES) {
      this.stillMs = 0
      this.#movedBefore = moved
    } else this.stillMs += sinceMs
    this.#paceLooks++
    if (this.#paceLooks === PACE_LOOKS) this.#restartPace(moved, moved - this.#paceFrom)
  }

  #restartPace(moved: number, pace: number): void {
    this.#pace = pace
    this.#paceFrom = moved
    this.#paceLooks = 0
  }
}

/**
 * Looks ten times a second at those who hold bytes, while others wait for them, and only then: what slow senders
 * have promised is lent, which costs them nothing as long as there is room; and who stands still
 * is cut where that lets in whoever is next.
 */
export class Watch {
  readonly #account: Account
  readonly #shortage: (of: BudgetReservation) => number
  readonly #watched = new LinkedList<Watched>()
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0

  /** @param shortage how many bytes whoever is next lacks, of those that a reservation is part of */
  constructor(account: Account, shortage: (of: BudgetReservation) => number) {
    this.#account = account
    this.#shortage = shortage
  }

  add(holder: Holder): Watched {
    const watched = new Watched(holder)
    this.#watched.add(watched)
    return watched
  }

  remove(watched: Watched): void {
    this.#watched.remove(watched)
    if (this.#watched.size === 0) this.stop()
  }

  start(): void {
    if (this.#timer !== undefined || this.#watched.size === 0) return
    this.#lookedAt = performance.now()
    this.#arm()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      // Before the look, which may find that it is not needed any more.
      this.#arm()
      this.#look()
    }, LOOK_EVERY_MS)
  }

  #look(): void {
    const now = performance.now()
    // While the loop was busy with something else no client could move.
    const sinceMs = Math.min(now - this.#lookedAt, 2 * LOOK_EVERY_MS)
    this.#lookedAt = now
    const all = this.#all()
    for (const watched of all) watched.look(sinceMs)
    for (const watched of all) this.#lend(watched)
    this.#cut(all)
  }

  /** Lends what a slow sender has promised, if somebody lacks it. */
  #lend({ holder, pace }: Watched): void {
    const { reservation } = holder
    const needed = holder.needed()
    if (reservation === undefined || needed === undefined) return
    const rest = reservation.bytes - needed
    const isSlow = pace * (LONG_MS / (PACE_LOOKS * LOOK_EVERY_MS)) < rest
    if (!isSlow || this.#shortage(reservation) <= 0) return
    holder.lend()
  }

  /** Cuts those who stand still, longest first, if their bytes are enough for whoever is next. */
  #cut(all: readonly Watched[]): void {
    for (const account of new Set(all.map(({ holder }) => holder.reservation?.account))) {
      const holders = all.filter(({ holder }) => holder.reservation?.account === account)
      const still = holders.filter(
        watched => !watched.cut && watched.stillMs >= this.#graceMs(watched.holder),
      )
      const [some] = still
      if (some === undefined) continue
      const leaving = total(holders.filter(watched => watched.cut))
      let lacking = this.#shortage(some.holder.reservation as BudgetReservation) - leaving
      if (lacking <= 0 || total(still) < lacking) continue
      still.sort((one, other) => other.stillMs - one.stillMs)
      for (const watched of still) {
        if (lacking <= 0) break
        lacking -= watched.holder.bytes
        watched.cut = true
        watched.holder.cut()
      }
    }
  }

  #graceMs({ bytes }: Holder): number {
    const share = bytes / this.#account.capacity
    return Math.max(LEAST_GRACE_MS, Math.min(GRACE_MS, (GRACE_MS * FULL_GRACE_SHARE) / share))
  }

  #all(): Watched[] {
    const all: Watched[] = []
    for (let watched = this.#watched.first; watched !== undefined; watched = watched.after) all.push(watched)
    return all
  }
}

function total(watched: readonly Watched[]): number {
  return watched.reduce((sum, { holder }) => sum + holder.bytes, 0)
}
