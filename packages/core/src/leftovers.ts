import type { Account } from './account.ts'
import { beyondAllowance } from './allowance.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { type Perishable, WaitTimer } from './wait-timer.ts'

/** Part of the capacity that may be left over for nothing. */
const FREE_PART = 1 / 4

/** After so long it counts no more, whatever became of it: what is never told to be over must not shut the door for ever. */
export const LEFT_OVER_MS = 30_000

/** What one request has left. */
export class Leftover implements Linked<Leftover>, Perishable {
  before: Leftover | undefined = undefined
  after: Leftover | undefined = undefined
  readonly bytes: number
  readonly dueAt = Math.ceil(performance.now()) + LEFT_OVER_MS
  counts = true

  constructor(bytes: number) {
    this.bytes = bytes
  }
}

/**
 * Bytes of requests that are over, and in memory all the same. Nobody has them reserved, but of what is more than a part of
 * the capacity newcomers wait for the end: their memory is not there yet.
 */
export class Leftovers {
  readonly #account: Account
  readonly #all = new LinkedList<Leftover>()
  readonly #timer = new WaitTimer<Leftover>(
    // Only where they hold up anybody.
    () => (this.#account.leftOver > 0 ? this.#all.first : undefined),
    leftover => this.over(leftover),
    false,
  )
  #bytes = 0

  /** @param account whose newcomers wait */
  constructor(account: Account) {
    this.#account = account
  }

  /** All of them, those that nobody waits for among them. */
  get bytes(): number {
    return this.#bytes
  }

  /** So many are left of a request, until {@link over}. */
  leave(bytes: number): Leftover {
    const leftover = new Leftover(bytes)
    this.#all.add(leftover)
    this.#count(bytes)
    return leftover
  }

  /** Its memory is free now. Any number of calls. */
  over(leftover: Leftover): void {
    if (!leftover.counts) return
    leftover.counts = false
    this.#all.remove(leftover)
    this.#count(-leftover.bytes)
    this.#account.freed()
  }

  #count(by: number): void {
    this.#bytes += by
    this.#account.leftOver = beyondAllowance(this.#bytes, this.#account.configured, FREE_PART)
    if (this.#account.leftOver > 0) this.#timer.start(performance.now())
    else this.#timer.stop()
  }
}
