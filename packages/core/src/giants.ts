import type { ByteBudget } from './byte-budget.ts'
import { collectGarbage } from './collect-garbage.ts'
import type { Turn } from './turn.ts'

/** For so long others of the worker come in, too. */
export const TURN_MS = 1000

/** From then on other workers count as waiting: who stands still while he has the turn is cut. */
export const LONG_TURN_MS = 10_000

/**
 * Lets in those who cost more than the part of their worker, in the turn of all workers: a worker tries to take it at each
 * look. Within a second as many come in as have room; when they are over the worker gives the turn back, and tries again at
 * its next look, so that others have had theirs between.
 *
 * What floats after them is collected before that, since what V8 keeps in one process no other can have.
 */
export class Giants {
  readonly #budget: ByteBudget
  readonly #turn: Turn
  #since = 0

  constructor(budget: ByteBudget, turn: Turn) {
    this.#budget = budget
    this.#turn = turn
  }

  /** Takes the turn where somebody waits for it, and gives it back where nobody is in by it any more. */
  look(): void {
    const budget = this.#budget
    if (!this.#turn.isOurs) {
      if (!budget.giantsWait || !this.#turn.take()) return
      this.#since = performance.now()
    }
    const lastsMs = performance.now() - this.#since
    budget.letGiantsIn(lastsMs < TURN_MS)
    budget.hurryGiants(lastsMs > LONG_TURN_MS)
    if (budget.giants === 0) this.#giveBack()
  }

  #giveBack(): void {
    this.#budget.letGiantsIn(false)
    collectGarbage()
    this.#turn.giveBack()
  }
}
