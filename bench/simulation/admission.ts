import { Account } from '../../packages/core/src/account.ts'
import { WaitQueue } from '../../packages/core/src/wait-queue.ts'
import type { Request } from './request.ts'

export interface AdmissionOptions {
  readonly capacity: number
  /** Bytes beside it for small requests, of a quarter of this each. */
  readonly lane: number
  /** How many may wait. */
  readonly limit: number
}

/**
 * Who is let in by a governor's budget, and in which order: core's own queue and accounts, without the promises and timers
 * that `ByteBudget` has around them, since this runs in a time of its own. A test compares it with a real one.
 */
export class Admission {
  readonly #line: WaitQueue<Request>
  readonly #main: Account
  readonly #lane: Account
  readonly #small: number
  readonly #limit: number

  constructor({ capacity, lane, limit }: AdmissionOptions) {
    const nobody = { freed: () => {}, shortage: () => 0, standsAside: () => false }
    this.#line = new WaitQueue(capacity)
    this.#main = new Account(capacity, nobody)
    this.#lane = new Account(lane, nobody, this.#main)
    this.#small = 2 ** Math.floor(Math.log2(lane / 4))
    this.#limit = limit
  }

  get capacity(): number {
    return this.#main.capacity
  }

  get available(): number {
    return Math.max(0, this.#main.free)
  }

  get waiting(): number {
    return this.#line.size
  }

  /** Bytes reserved, the lane's included. */
  get reserved(): number {
    return this.#main.promised + this.#lane.promised
  }

  isSmall(bytes: number): boolean {
    return bytes <= this.#small
  }

  enter(request: Request): 'admitted' | 'waits' | 'refused' {
    const { bytes } = request
    if (this.#line.admits(bytes, this.#main)) this.#charge(request, false)
    else if (this.isSmall(bytes) && this.#lane.fits(bytes) && this.#smallest() === undefined)
      this.#charge(request, true)
    else if (this.#line.size >= this.#limit) return 'refused'
    else {
      this.#line.add(request)
      // It may pass who stands before it. Nobody else can go on, since nothing has come free.
      if (!this.#main.admits(bytes) || this.next() === undefined) return 'waits'
    }
    return 'admitted'
  }

  /** Gives its bytes back. */
  release({ bytes, inLane }: Request): void {
    const account = inLane ? this.#lane : this.#main
    account.promised -= bytes
  }

  /** Whoever waits no more. */
  leave(request: Request): void {
    this.#line.remove(request)
  }

  /** The next of those who wait that may go on now, if any: after each release, and after somebody has left. */
  next(): Request | undefined {
    if (this.#line.size === 0) return undefined
    const head = this.#line.next(this.#main)
    const granted = head ?? this.#smallest()
    if (granted === undefined || (head === undefined && !this.#lane.fits(granted.bytes))) return undefined
    this.#line.remove(granted)
    this.#charge(granted, head === undefined)
    return granted
  }

  #smallest(): Request | undefined {
    return this.#line.smallest(this.#small)
  }

  #charge(request: Request, inLane: boolean): void {
    request.inLane = inLane
    const account = inLane ? this.#lane : this.#main
    account.promised += request.bytes
  }
}
