import {
  type AcquireOptions,
  ByteBudget,
  type ByteBudgetOptions,
  type ByteSize,
  PlimsollError,
  parseByteSize,
} from '@plimsoll/core'
import fc from 'fast-check'

/** One admission in so many. */
const ONE_IN = 20

/** Whether an admission is refused, one after the other; told by `seed`. */
export function chances(seed: number): () => boolean {
  const draws = fc.sample(fc.noBias(fc.nat(ONE_IN - 1)), { seed, numRuns: 1000 })
  let n = 0
  return () => draws[n++ % draws.length] === 0
}

/** A budget that refuses one admission in twenty, though there is room, as if its queue were full. */
export class RefusingBudget extends ByteBudget {
  readonly #refuses: () => boolean
  /** How often it has. */
  refusals = 0
  /** Of the admission that is asked for in this turn: at once, and then by waiting. */
  #refused: boolean | undefined

  constructor(options: ByteBudgetOptions, refuses: () => boolean) {
    super(options)
    this.#refuses = refuses
  }

  override tryAcquire(bytes: ByteSize): ReturnType<ByteBudget['tryAcquire']> {
    this.#refused ??= this.#draw(bytes)
    const reservation = this.#refused ? undefined : super.tryAcquire(bytes)
    if (reservation !== undefined) this.#forget()
    // Who may not wait asks no further.
    else queueMicrotask(() => this.#forget())
    return reservation
  }

  override acquire(bytes: ByteSize, options?: AcquireOptions): ReturnType<ByteBudget['acquire']> {
    const refused = this.#refused ?? this.#draw(bytes)
    this.#forget()
    return refused
      ? Promise.reject(new PlimsollError('ERR_PLIMSOLL_QUEUE_FULL', 'Refused at random'))
      : super.acquire(bytes, options)
  }

  #forget(): void {
    this.#refused = undefined
  }

  #draw(bytes: ByteSize): boolean {
    // What can never fit is refused for that.
    const refused = parseByteSize(bytes) <= this.configuredCapacity && this.#refuses()
    if (refused) this.refusals++
    return refused
  }
}
