import { KernelQueues } from './kernel-queues.ts'
import { LinkedList } from './linked-list.ts'
import type { BudgetReservation } from './reservation.ts'
import { GRACE_MS, type Holder, LOOK_EVERY_MS, Watched } from './watched.ts'

/** What reservations are part of. */
interface Pool {
  /** How many bytes whoever is next lacks; 0 or less where nobody does. */
  readonly shortage: number
  /** Whether there is somebody who waits for nobody but this one. */
  isKeptUpBy(reservation: BudgetReservation): boolean
}

/**
 * Looks ten times a second at those who hold bytes, while others wait for them, and only then: what slow senders
 * have promised is lent, which costs them nothing as long as there is room; and who stands still
 * is cut where that lets in whoever is next.
 */
export class Watch {
  readonly #watched = new LinkedList<Watched>()
  readonly #queues = new KernelQueues()
  readonly #isQueued: () => boolean
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0
  #stillMs = 0
  #cuts: { readonly part: number; readonly atMs: number }[] = []

  /** @param isQueued whether anybody waits for the bytes of all, and not for his client's own */
  constructor(isQueued: () => boolean) {
    this.#isQueued = isQueued
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

  /**
   * For how long nobody has moved who holds a reservation, and none was over, of the time in which somebody was queued. Who
   * waits for his own share has only his own requests before him, which may be silent for good reasons.
   */
  get stillMs(): number {
    return this.#stillMs
  }

  /** A request that held something is over. */
  stirred(): void {
    this.#stillMs = 0
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
      // Who waits, and whose client it is, keep the process themselves.
    }, LOOK_EVERY_MS).unref()
  }

  #look(): void {
    const now = performance.now()
    // While the loop was busy with something else no client could move.
    const sinceMs = Math.min(now - this.#lookedAt, 2 * LOOK_EVERY_MS)
    this.#lookedAt = now
    const all = this.#all()
    for (const watched of all) watched.look(sinceMs)
    const moves = all.some(({ holder, moves }) => moves && holder.reservation !== undefined)
    if (moves) this.#stillMs = 0
    else if (this.#isQueued()) this.#stillMs += sinceMs
    const readers = all.filter(watched => watched.seemsStill)
    if (readers.length > 0 && this.#queues.refresh())
      for (const watched of readers) watched.lookCloser(this.#queues)
    for (const watched of all) this.#lend(watched)
    this.#cut(all)
  }

  /** Lends what a slow sender has promised, if somebody lacks it. */
  #lend(watched: Watched): void {
    const { holder } = watched
    const { reservation } = holder
    const needed = holder.needed()
    if (reservation === undefined || needed === undefined) return
    if (watched.isSlowFor(reservation.bytes - needed) && poolsOf(reservation).some(pool => pool.shortage > 0))
      holder.lend?.(reservation, needed)
  }

  /** Cuts those who stand still, longest first, where their bytes are enough for whoever is next. */
  #cut(all: readonly Watched[]): void {
    const hurried = this.#isHurried
    for (const [pool, parts] of byPool(all)) {
      const alone = parts.find(({ held }) => pool.isKeptUpBy(held))?.watched
      if (alone !== undefined && !alone.cut && alone.isTooStill(partOf(alone), hurried)) this.#end(alone)
      if (pool.shortage <= 0) continue
      // What was cut before may not have come free yet.
      let lacking = pool.shortage - total(parts.filter(({ watched }) => watched.leaves))
      const candidates = parts.filter(
        ({ watched }) => !watched.cut && watched.isTooStill(partOf(watched), hurried),
      )
      if (total(candidates) < lacking) continue
      candidates.sort((one, other) => other.watched.stillMs - one.watched.stillMs)
      for (const { watched, held } of candidates) {
        if (lacking <= 0) break
        lacking -= held.bytes
        if (!watched.cut) this.#end(watched)
      }
    }
  }

  #end(watched: Watched): void {
    watched.cut = true
    this.#cuts.push({ part: partOf(watched), atMs: this.#lookedAt })
    watched.holder.cut()
  }

  /** Whether those who were cut within a grace have kept as much as all there is. */
  get #isHurried(): boolean {
    this.#cuts = this.#cuts.filter(({ atMs }) => atMs > this.#lookedAt - GRACE_MS)
    return this.#cuts.reduce((sum, { part }) => sum + part, 0) >= 1
  }

  #all(): Watched[] {
    const all: Watched[] = []
    for (let watched = this.#watched.first; watched !== undefined; watched = watched.after) all.push(watched)
    return all
  }
}

/** The part of its capacity that somebody keeps. */
function partOf({ holder }: Watched): number {
  return Math.max(...heldBy(holder).map(({ bytes, account }) => bytes / account.capacity))
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
  readonly held: BudgetReservation
}

function byPool(all: readonly Watched[]): Map<Pool, Part[]> {
  const pools = new Map<Pool, Part[]>()
  for (const watched of all) {
    for (const held of heldBy(watched.holder)) {
      for (const pool of poolsOf(held)) {
        const parts = pools.get(pool) ?? []
        pools.set(pool, parts)
        parts.push({ watched, held })
      }
    }
  }
  return pools
}

function total(parts: readonly Part[]): number {
  return parts.reduce((sum, { held }) => sum + held.bytes, 0)
}
