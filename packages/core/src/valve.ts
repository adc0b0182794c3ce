import type { ByteBudget } from './byte-budget.ts'
import { type MemoryUse, memoryUse } from './memory-use.ts'
import { LOG_EVERY_MS, type Logger } from './refusal-log.ts'
import { nextCeiling, OPEN } from './valve-ceiling.ts'

/** How often it looks, while anything is reserved or waited for. */
export const LOOK_EVERY_MS = 50

/** For who does not want memory looked at. */
export const NEVER_SHORT = Object.freeze({ read: () => ({ usedBytes: 0, limitBytes: 1, stalled: 0 }) })

/**
 * Looks at real memory and tightens a budget while it is short. It can't do without the budget: what it sees is there
 * already. It is for what no cost tells of: what a handler holds beside its body, and what V8 has not collected.
 */
export class Valve {
  readonly #budget: ByteBudget
  readonly #logger: Logger
  readonly #memory: Pick<MemoryUse, 'read'>
  readonly #share: { look(): void } | undefined
  #state = OPEN
  #timer: NodeJS.Timeout | undefined
  #shutSince: number | undefined
  #loggedAt = Number.NEGATIVE_INFINITY

  /** @param share whom to have look, too */
  constructor(
    budget: ByteBudget,
    logger: Logger,
    memory: Pick<MemoryUse, 'read'> = memoryUse(),
    share?: { look(): void },
  ) {
    this.#budget = budget
    this.#logger = logger
    this.#memory = memory
    this.#share = share
  }

  /** For how long newcomers have found less than the capacity; 0 where they don't. */
  get shutForMs(): number {
    return this.#shutSince === undefined ? 0 : performance.now() - this.#shutSince
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
    this.#share?.look()
    const { reserved, capacity } = this.#budget
    const reading = this.#memory.read()
    this.#enter(nextCeiling(this.#state, reading, reserved, capacity))
    if (this.#shutSince !== undefined) this.#log(reading)
  }

  get #isIdle(): boolean {
    const { reserved, lane, waiting } = this.#budget
    return reserved + lane.reserved + waiting === 0
  }

  /**
   * Opens and stops looking, where nobody is there to be held up: a server that gets no requests since it is not ready must
   * become ready.
   *
   * @returns false where somebody is
   */
  rest(): boolean {
    if (!this.#isIdle) return false
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#enter(OPEN)
    return true
  }

  #enter(state: typeof OPEN): void {
    const { ceiling } = this.#state
    this.#state = state
    if (state.ceiling >= this.#budget.capacity) this.#shutSince = undefined
    else this.#shutSince ??= performance.now()
    if (state.ceiling !== ceiling) this.#budget.tighten(state.ceiling)
  }

  #log({ usedBytes, limitBytes }: { usedBytes: number; limitBytes: number }): void {
    const now = performance.now()
    if (now - this.#loggedAt < LOG_EVERY_MS) return
    this.#loggedAt = now
    const { reserved, waiting } = this.#budget
    this.#logger.warn(
      { usedBytes, limitBytes, reserved, waiting },
      'plimsoll: memory is near its limit, so large requests wait: more is held than their costs say, or by others',
    )
  }
}
