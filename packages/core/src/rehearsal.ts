import { ByteBudget } from './byte-budget.ts'
import { enter } from './enter.ts'
import type { GovernedRequest } from './governed-request.ts'
import { type ShareOptions, Shares } from './shares.ts'
import { Twin, type TwinKeeper } from './twin.ts'

/**
 * What a governor would do that only observes. Each observed request has a twin that goes the way of a request in a
 * budget like the governor's own; so what waits there, and for how long, is what would have waited.
 */
export class Rehearsal {
  readonly #original: ByteBudget
  readonly #budget: ByteBudget
  readonly #shares: Shares | undefined
  readonly #keeper: TwinKeeper

  constructor(original: ByteBudget, share: ShareOptions | undefined, keeper: TwinKeeper) {
    const { queue } = original
    this.#original = original
    this.#budget = new ByteBudget({ capacity: original.configuredCapacity, queue, keepsProcess: false })
    this.#shares = share === undefined ? undefined : new Shares(share, this.#budget)
    this.#keeper = keeper
  }

  /** How many would wait now. */
  get waiting(): number {
    return this.#budget.waiting
  }

  reprice(): void {
    this.#budget.reprice()
    this.#shares?.reprice()
  }

  twinOf(request: GovernedRequest): Twin {
    const { capacity } = this.#original
    if (capacity !== this.#budget.capacity) this.#budget.resize(capacity)
    return new Twin(request, this.#budget, this.#shares, this.#keeper)
  }

  /** Has a twin that was priced go on. */
  enter(twin: Twin): void {
    if (this.#shares !== undefined && twin.price.bytes > 0) twin.key = this.#shares.of(twin.req)
    if (!enter(twin, this.#budget, this.#shares)) twin.wait()
  }
}
