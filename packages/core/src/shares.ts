import { isIPv6 } from 'node:net'
import type { ByteBudget } from './byte-budget.ts'
import { optionError, overShare } from './errors.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { checkOptions } from './options.ts'
import { consult } from './price.ts'
import type { HttpRequest } from './request-head.ts'

/** Whose requests are counted together, and how much of the budget they may hold. */
export interface ShareOptions {
  /**
   * Who a request is of: `'address'` is the address at the other end of its connection (of IPv6 its /64 network), which
   * behind a proxy is the proxy's. A function may name a tenant or an API key; undefined: nobody's, with no bound.
   */
  readonly key: 'address' | ((request: HttpRequest) => string | readonly string[] | undefined)
  /** The largest part of the budget that one key may hold, from above 0 to 1. Default 0.25. */
  readonly of?: number
  /** What becomes of who is over it: `'wait'` (default) for its own requests to end, or `'refuse'` with 429. */
  readonly over?: 'wait' | 'refuse'
}

interface ShareWaiter extends Linked<ShareWaiter> {
  bytes: number
  /** What it needs by what is known now. */
  readonly bytesNow: () => number
  readonly enter: () => void
}

/** What the requests of one key hold of a budget, or wait for with all others; and those of them that may not yet. */
export class Share {
  readonly #capacity: number
  readonly #budget: Pick<ByteBudget, 'isSmall' | 'lane'>
  readonly #onEmpty: () => void
  readonly #line = new LinkedList<ShareWaiter>()
  #members = 0
  /** What it has room for now: the capacity, or what is larger and has all of it to itself. */
  #room: number
  promised = 0

  constructor(capacity: number, budget: Pick<ByteBudget, 'isSmall' | 'lane'>, onEmpty: () => void) {
    this.#capacity = this.#room = capacity
    this.#budget = budget
    this.#onEmpty = onEmpty
  }

  /** How many may not yet wait with the others. */
  get waiting(): number {
    return this.#line.size
  }

  /** How many bytes its next one lacks; 0 or less where nobody does. */
  get shortage(): number {
    const { first } = this.#line
    return first === undefined ? 0 : this.#lacking(first.bytes)
  }

  isKeptUpBy(): boolean {
    return false
  }

  /** Whether a newcomer has room in it, and nobody stands before him. Small ones have a lane here, too. */
  admits(bytes: number): boolean {
    if (this.#budget.isSmall(bytes)) return this.promised + bytes <= this.#room + this.#budget.lane.capacity
    return this.#line.size === 0 && this.#fits(bytes)
  }

  tryEnter(bytes: number): boolean {
    if (!this.admits(bytes)) return false
    this.#enter(bytes)
    return true
  }

  /** Who holds nothing stands before nobody. */
  join(): void {
    this.#enter(0)
  }

  /** Whether one who holds so much of it may have more. */
  mayGrow(held: number, by: number): boolean {
    return this.promised === held || this.promised + by <= this.#capacity
  }

  /** @returns leaves the line */
  wait(bytes: number, bytesNow: () => number, enter: () => void): () => void {
    const waiter: ShareWaiter = { before: undefined, after: undefined, bytes, bytesNow, enter }
    this.#line.add(waiter)
    return () => {
      this.#line.remove(waiter)
      this.freed()
    }
  }

  /** One who has entered is over, and gives back what it still has of it. */
  leave(bytes: number): void {
    this.#members--
    this.promised -= bytes
    this.freed()
  }

  /** One who has entered needs so much less of it. */
  giveBack(bytes: number): void {
    if (bytes === 0) return
    this.promised -= bytes
    this.freed()
  }

  /** Asks everybody anew who stands in its line. */
  reprice(): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = waiter.after)
      waiter.bytes = waiter.bytesNow()
    this.freed()
  }

  /** Bytes have come free: the next one may want them. */
  freed(): void {
    if (this.promised <= this.#capacity) this.#room = this.#capacity
    let { first } = this.#line
    while (first !== undefined && this.#fits(first.bytes)) {
      this.#line.remove(first)
      this.#enter(first.bytes)
      first.enter()
      first = this.#line.first
    }
    // Not by the bytes: who has shrunk to nothing may grow again.
    if (this.#members === 0 && this.#line.size === 0) this.#onEmpty()
  }

  #enter(bytes: number): void {
    this.#members++
    this.promised += bytes
    this.#room = Math.max(this.#room, bytes)
  }

  #fits(bytes: number): boolean {
    return this.#lacking(bytes) <= 0
  }

  /**
   * How much of it has to be over before one of so many bytes comes in. What is larger than the share takes all of it:
   * refused, it could never be served. Small ones pass it meanwhile, in the lane.
   */
  #lacking(bytes: number): number {
    return this.promised - Math.max(this.#capacity - bytes, this.#budget.lane.capacity)
  }
}

/**
 * The largest share of a budget that one client may have. Whoever is over it stands in a line of his own, so that
 * in the queue of all there is never more of one key than its share: they take turns by bytes.
 *
 * What is known of a key is forgotten as soon as it holds nothing and nobody waits.
 */
export class Shares {
  readonly #budget: ByteBudget
  readonly #keyOf: (request: HttpRequest) => string | readonly string[] | undefined
  readonly #part: number
  readonly #refuses: boolean
  readonly #shares = new Map<string, Share>()

  /** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
  constructor(options: ShareOptions, budget: ByteBudget) {
    checkOptions(options, ['key', 'of', 'over'], 'share')
    const { key, of = 0.25, over = 'wait' } = options
    if (key !== 'address' && typeof key !== 'function')
      throw optionError('share.key', '"address" or a function', key)
    if (typeof of !== 'number' || !(of > 0 && of <= 1))
      throw optionError('share.of', 'a number above 0, at most 1', of)
    if (over !== 'wait' && over !== 'refuse') throw optionError('share.over', '"wait" or "refuse"', over)
    this.#budget = budget
    this.#keyOf = key === 'address' ? addressOf : key
    this.#part = of
    this.#refuses = over === 'refuse'
  }

  /** How many keys hold something or wait. */
  get size(): number {
    return this.#shares.size
  }

  /**
   * Whose share a request falls in; undefined where it has no bound.
   *
   * @throws `ERR_PLIMSOLL_COST_FUNCTION` where the function throws or returns no string
   */
  of(request: HttpRequest): string | undefined {
    return consult(() => {
      const key = this.#keyOf(request)
      // As Node has some headers.
      if (Array.isArray(key)) return key.join()
      if (key !== undefined && typeof key !== 'string') throw new TypeError('share.key returned no string')
      return key
    })
  }

  /** Counts them to the share, if there is room in it: the share then; whoever holds them tells it of every change. */
  tryEnter(key: string, bytes: number): Share | undefined {
    const share = this.#share(key)
    return share.tryEnter(bytes) ? share : undefined
  }

  /** The share of one who holds nothing, and may want to grow. */
  join(key: string): Share {
    const share = this.#share(key)
    share.join()
    return share
  }

  #share(key: string): Share {
    let share = this.#shares.get(key)
    if (share === undefined) {
      share = new Share(this.#budget.configuredCapacity * this.#part, this.#budget, () =>
        this.#shares.delete(key),
      )
      this.#shares.set(key, share)
    }
    return share
  }

  /**
   * Whether a request may wait for its share to have room. Nobody is refused for what is only guessed: a route whose
   * requests are refused would never be known.
   *
   * @param known of these bytes, all that is not only guessed
   * @throws `ERR_PLIMSOLL_OVER_SHARE`
   */
  checkMayWait(key: string, bytes: number, known: number): void {
    const share = this.#shares.get(key)
    if (share === undefined || share.admits(bytes)) return
    const refuses = this.#refuses && !share.admits(known)
    const full = refuses || share.waiting >= this.#budget.queue.limit * this.#part
    if (full) throw overShare(bytes)
  }

  /** Something was learned of what requests cost: whoever waits for what was only guessed is asked anew. */
  reprice(): void {
    for (const share of this.#shares.values()) if (share.waiting > 0) share.reprice()
  }

  /**
   * Waits for room in the share. Rejects with `ERR_PLIMSOLL_OVER_SHARE` after `timeoutMs`, at once where it may not
   * wait, and with the signal's reason.
   *
   * @param bytesNow how much, as long as it waits: the last answer is what the share counts
   * @param known of that, all that is not only guessed
   */
  enter(
    key: string,
    bytesNow: () => number,
    known: number,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<Share> {
    const bytes = bytesNow()
    const entered = this.tryEnter(key, bytes)
    if (entered !== undefined) return Promise.resolve(entered)
    const share = this.#shares.get(key) as Share
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (this.#refuses && !share.admits(known)) throw overShare(bytes)
      const over = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        this.#budget.press(-1)
      }
      const fail = (error: unknown): void => {
        over()
        leave()
        reject(error)
      }
      const onAbort = (): void => fail(signal.reason)
      // Its connection keeps the process; a twin has none, and must not.
      const timer = setTimeout(() => fail(overShare(bytes)), timeoutMs).unref()
      signal.addEventListener('abort', onAbort)
      const leave = share.wait(bytes, bytesNow, () => {
        over()
        resolve(share)
      })
      this.#budget.press(1)
    })
  }
}

/** Of IPv6 the first half: a host has all of its second to itself. */
function addressOf({ socket }: HttpRequest): string | undefined {
  const address = socket?.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '')
  return address !== undefined && isIPv6(address) ? networkOf(address) : address
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::')
  const groups = head.split(':')
  const rest = tail === undefined ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}
