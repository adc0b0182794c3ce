import type { ByteBudget } from './byte-budget.ts'
import { mebibytes } from './byte-size.ts'
import { KernelFile } from './kernel-file.ts'
import { type ChosenBudget, chooseBudget, memoryLimit } from './memory-limit.ts'
import type { Logger } from './refusal-log.ts'
import { Workers } from './workers.ts'

/** For so long there have to be fewer workers before the others share what one has left: its successor may be on its way. */
export const RETURNS_AFTER_MS = 1000

/** The part of a container's budget that one of its workers has: smaller as soon as others come, larger some time after they went. */
export class WorkerShare {
  readonly #workers: Pick<Workers, 'first' | 'count'>
  readonly #limit = memoryLimit()
  readonly #ownBytes = ownBytes()
  readonly #logger: Logger
  #budget: ByteBudget | undefined
  #count: number
  #fewerSince: number | undefined
  #chosen: ChosenBudget

  constructor(logger: Logger, workers: Pick<Workers, 'first' | 'count'> = new Workers()) {
    this.#workers = workers
    this.#logger = logger
    this.#count = workers.first
    this.#chosen = this.#choose()
  }

  /** The part it has now. */
  get chosen(): ChosenBudget {
    return this.#chosen
  }

  /** Has this budget be as large as the part is. */
  govern(budget: ByteBudget): void {
    this.#budget = budget
  }

  /** Counts the workers. A look costs 10 µs. */
  look(): void {
    const count = this.#workers.count()
    if (count < this.#count) {
      this.#fewerSince ??= performance.now()
      if (performance.now() - this.#fewerSince < RETURNS_AFTER_MS) return
    }
    this.#fewerSince = undefined
    if (count !== this.#count) this.#divide(count)
  }

  #divide(count: number): void {
    const { bytes: before } = this.#chosen
    this.#count = count
    this.#chosen = this.#choose()
    // Whoever has resized it wants it so.
    if (this.#budget?.capacity !== before) return
    const { bytes } = this.#chosen
    this.#budget.configure(bytes)
    this.#logger.info(
      { budget: bytes, workers: count },
      `plimsoll: ${count} workers share the container, a budget of ${mebibytes(bytes)} each`,
    )
  }

  #choose(): ChosenBudget {
    // And the primary, which is no larger.
    return chooseBudget(this.#limit, (this.#count + 1) * this.#ownBytes, this.#count)
  }
}

/** What is resident of this process and of no other: the program itself is in memory once for all of them. */
function ownBytes(): number {
  const status = new KernelFile('/proc/self/status').read()
  const kilobytes = Number(/\nRssAnon:\s*(\d+) kB/.exec(status)?.[1])
  return kilobytes * 1024 || process.memoryUsage.rss()
}
