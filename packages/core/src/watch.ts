import { KernelQueues } from './kernel-queues.ts'
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

/**
 * The grace of who keeps much, by what can be seen of him. A sender whose packet was lost is silent for a second
 * (RFC 6298). What a reader acknowledges is seen every half a second on a link of 800 kbit/s, where the
 * kernel tells; else what it takes every two seconds (both measured).
 */
export const LEAST_GRACE_MS = { sends: 1000, acknowledges: 625, takes: 2500 } as const

/** This part of the capacity may be kept for all of the grace; who keeps more gets inversely less. */
const FULL_GRACE_SHARE = 1 / 32

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
  /** Lends what is promised and not in use. */
  lend(): void
  /** Ends it. What it holds may come free a while later. */
  cut(): void
}

/** What reservations are part of. */
interface Pool {
  /** How many bytes whoever is next lacks; 0 or less where nobody does. */
  readonly shortage: number
}

/** One holder, and what was seen of him. */
export class Watched implements Linked<Watched> {
  before: Watched | undefined = undefined
  after: Watched | undefined = undefined
  readonly holder: Holder
  cut = false
  #cutForMs = 0
  #stillMs = 0
  #owed: 'sends' | 'takes' | undefined
  #acknowledged: number | undefined
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

  /** For how long the client has stood still, of the time in which somebody looked. */
  get stillMs(): number {
    return this.#stillMs
  }

  /** By what that is known. */
  get by(): keyof typeof LEAST_GRACE_MS {
    if (this.#owed !== 'takes') return 'sends'
    return this.#acknowledged === undefined ? 'takes' : 'acknowledges'
  }

  /** Whether it was cut just now, and what it holds will come free. Later that is in the hands of its handler alone. */
  get leaves(): boolean {
    return this.cut && this.#cutForMs < GRACE_MS
  }

  look(sinceMs: number): void {
    if (this.cut) this.#cutForMs += sinceMs
    const moved = this.holder.moved()
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
    this.#acknowledged ??= bytes
    if (bytes - this.#acknowledged < STILL_BYTES) return
    this.#stillMs = 0
    this.#acknowledged = bytes
  }

  #restart(): void {
    this.#stillMs = 0
    this.#acknowledged = undefined
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
  readonly #watched = new LinkedList<Watched>()
  readonly #queues = new KernelQueues()
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0

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
    const readers = all.filter(watched => watched.seemsStill)
    if (readers.length > 0 && this.#queues.refresh())
      for (const watched of readers) watched.lookCloser(this.#queues)
    for (const watched of all) this.#lend(watched)
    this.#cut(all)
  }

  /** Lends what a slow sender has promised, if somebody lacks it. */
  #lend(watched: Watched): void {
    const { holder, pace } = watched
    const { reservation } = holder
    const needed = holder.needed()
    if (reservation === undefined || needed === undefined) return
    const rest = reservation.bytes - needed
    const isSlow = pace * (LONG_MS / (PACE_LOOKS * LOOK_EVERY_MS)) < rest
    if (isSlow && poolsOf(reservation).some(pool => pool.shortage > 0)) holder.lend()
  }

  /** Cuts those who stand still, longest first, where their bytes are enough for whoever is next. */
  #cut(all: readonly Watched[]): void {
    for (const [pool, parts] of byPool(all)) {
      if (pool.shortage <= 0) continue
      // What was cut before may not have come free yet.
      let lacking = pool.shortage - total(parts.filter(({ watched }) => watched.leaves))
      const candidates = parts.filter(({ watched }) => !watched.cut && this.#isTooStill(watched))
      if (total(candidates) < lacking) continue
      candidates.sort((one, other) => other.watched.stillMs - one.watched.stillMs)
      for (const { watched, bytes } of candidates) {
        if (lacking <= 0) break
        lacking -= bytes
        if (watched.cut) continue
        watched.cut = true
        watched.holder.cut()
      }
    }
  }

  #isTooStill({ by, holder, stillMs }: Watched): boolean {
    const parts = heldBy(holder).map(({ bytes, account }) => bytes / account.capacity)
    const graceMs = Math.min(GRACE_MS, (GRACE_MS * FULL_GRACE_SHARE) / Math.max(...parts))
    return stillMs >= Math.max(LEAST_GRACE_MS[by], graceMs)
  }

  #all(): Watched[] {
    const all: Watched[] = []
    for (let watched = this.#watched.first; watched !== undefined; watched = watched.after) all.push(watched)
    return all
  }
}

function heldBy({ reservation, overflow }: Holder): BudgetReservation[] {
  return [reservation, overflow].filter(held => held !== undefined)
}

function poolsOf({ account, share }: BudgetReservation): Pool[] {
  return share === undefined ? [account] : [account, share]
}

/** What somebody holds of one pool. */
interface Part {
  readonly watched: Watched
  readonly bytes: number
}

function byPool(all: readonly Watched[]): Map<Pool, Part[]> {
  const pools = new Map<Pool, Part[]>()
  for (const watched of all) {
    for (const held of heldBy(watched.holder)) {
      for (const pool of poolsOf(held)) {
        const parts = pools.get(pool) ?? []
        pools.set(pool, parts)
        parts.push({ watched, bytes: held.bytes })
      }
    }
  }
  return pools
}

function total(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}
