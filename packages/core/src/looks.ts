import type { ByteBudget } from './byte-budget.ts'
import type { Valve } from './valve.ts'

/** How often, while anything is reserved or waited for. */
export const LOOK_EVERY_MS = 50

/** Somebody who looks at what is outside of a budget. */
export interface Looker {
  /** Before somebody is let in, and over and over from then on. */
  look(): void
  /** Nobody is there any more: looks no further. */
  rest(): void
}

/** What a budget has looked at, while anybody is there: real memory, and the other workers of its container. */
export class Looks {
  /** Of a budget that several processes share. */
  share: Looker | undefined
  valve: Valve | undefined
  readonly #budget: ByteBudget
  #timer: NodeJS.Timeout | undefined

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** Somebody comes: looks now, and from here on, unless it does so already. */
  wake(): void {
    if (this.#timer === undefined) this.#look()
  }

  #look(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.rest()) this.#look()
    }, LOOK_EVERY_MS).unref()
    this.share?.look()
    this.valve?.look()
  }

  get #isIdle(): boolean {
    const { reserved, lane, giants, waiting } = this.#budget
    return reserved + lane.reserved + giants + waiting === 0
  }

  /**
   * Stops looking, where nobody is there.
   *
   * @returns false where somebody is
   */
  rest(): boolean {
    if (!this.#isIdle) return false
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.share?.rest()
    this.valve?.rest()
    return true
  }
}
