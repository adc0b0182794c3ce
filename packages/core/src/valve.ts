import type { ByteBudget } from './byte-budget.ts'
import type { Looker } from './looks.ts'
import { type MemoryUse, memoryUse } from './memory-use.ts'
import { LOG_EVERY_MS, type Logger } from './refusal-log.ts'
import { nextCeiling, OPEN } from './valve-ceiling.ts'

/**
 * Looks at real memory and tightens a budget while it is short. It can't do without the budget: what it sees is there
 * already. It is for what no cost tells of: what a handler holds beside its body, and what V8 has not collected.
 */
export class Valve implements Looker {
  readonly #budget: ByteBudget
  readonly #logger: Logger
  readonly #memory: Pick<MemoryUse, 'read'>
  #state = OPEN
  #shutSince: number | undefined
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(budget: ByteBudget, logger: Logger, memory: Pick<MemoryUse, 'read'> = memoryUse()) {
    this.#budget = budget
    this.#logger = logger
    this.#memory = memory
  }

  /** For how long newcomers have found less than the capacity; 0 where they don't. */
  get shutForMs(): number {
    return this.#shutSince === undefined ? 0 : performance.now() - this.#shutSince
  }

  look(): void {
    const { reserved, giants, capacity } = this.#budget
    const reading = this.#memory.read()
    this.#enter(nextCeiling(this.#state, reading, reserved + giants, capacity))
    if (this.#shutSince !== undefined) this.#log(reading)
  }

  /** Opens, where nobody is there to be held up: a server that gets no requests since it is not ready must become ready. */
  rest(): void {
    this.#enter(OPEN)
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
