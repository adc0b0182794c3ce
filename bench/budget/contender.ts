/** What all of them are asked: bytes, and a turn. */
export interface Semaphore {
  /** Takes all there is, so that whoever comes next waits. */
  fill(): Promise<void>
  /** Gives it back. */
  open(): void
  /** Waits for so many bytes, and gives them back at once. */
  turn(bytes: number, signal?: AbortSignal): Promise<unknown>
  /** The same where there is room, without a promise; only who has such a call. */
  pair?(bytes: number): void
}

/** One library, as its own documentation says to use it. */
export interface Contender {
  readonly name: string
  /** Has a call that takes and gives back without a promise. */
  readonly synchronous: boolean
  /** A waiter can leave alone. */
  readonly cancels: boolean
  /** Counts bytes, or some other weight; whoever does not counts requests, and lets `capacity / unit` of them in. */
  readonly weighs: boolean
  /** Grants by a timer: what is waited for is time, and not work. */
  readonly byTimer?: true
  /**
   * @param unit no size is less than this or a part of it: who walks through what it counts counts these
   * @param waiters at most
   */
  make(capacity: number, unit: number, waiters: number): Semaphore
}
