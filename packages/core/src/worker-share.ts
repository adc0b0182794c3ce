import { join } from 'node:path'
import type { ByteBudget } from './byte-budget.ts'
import { mebibytes } from './byte-size.ts'
import {
  type ChosenBudget,
  chooseBudget,
  FLOATING_BYTES,
  type MemoryLimit,
  memoryLimit,
  text,
} from './memory-limit.ts'
import type { Logger } from './refusal-log.ts'
import type { Workers } from './workers.ts'

/** For so long there have to be fewer workers until the others have the part of one that ended: its successor may be on its way. */
export const RETURNS_AFTER_MS = 1000

/** Of a small part: its large bodies come one at a time, and four of 512 MiB were measured to let float 50 MiB each at most. */
const FLOATS_AT_MOST = 3 / 8

/** What one of so many workers may use. Each has a heap of its own, and lets as much float as if it were alone. */
export function partOf({ bytes, source }: MemoryLimit, workers: number): MemoryLimit {
  return { bytes: Math.floor(bytes / workers), source }
}

/** The budget of a worker of node:cluster: smaller as soon as there are more of them, larger a while after there are fewer. */
export class WorkerShare {
  readonly #workers: Pick<Workers, 'first' | 'count'>
  readonly #logger: Logger
  readonly #limit: MemoryLimit
  readonly #ownBytes: number
  #budget: ByteBudget | undefined
  #count: number
  #chosen: ChosenBudget
  #fewerSince: number | undefined

  /** @param root where `/proc` and `/sys` are found, for tests */
  constructor(workers: Pick<Workers, 'first' | 'count'>, logger: Logger, root = '/') {
    this.#workers = workers
    this.#logger = logger
    this.#limit = memoryLimit(root)
    this.#ownBytes = ownBytes(root)
    this.#count = workers.first
    this.#chosen = this.#choose()
  }

  /** How many workers there are. */
  get count(): number {
    return this.#count
  }

  /** As it is now. */
  get chosen(): ChosenBudget {
    return this.#chosen
  }

  /** Has this budget be as large, from now on. */
  govern(budget: ByteBudget): void {
    this.#budget = budget
  }

  /** Counts the workers, which takes some 10 µs. */
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
    const { bytes } = this.#chosen
    // Whoever has resized it wants it so.
    if (this.#budget?.capacity !== before) return
    this.#budget.configure(bytes)
    this.#logger.info(
      { budget: bytes, workers: count },
      `plimsoll: workers that share the container are ${count} now, so each has a budget of ${mebibytes(bytes)}`,
    )
  }

  #choose(): ChosenBudget {
    const count = this.#count
    // The primary is of all of them, and about as large.
    const residentBytes = Math.ceil((this.#ownBytes * (count + 1)) / count)
    const part = partOf(this.#limit, count)
    const chosen = chooseBudget(part, residentBytes, Math.min(FLOATING_BYTES, FLOATS_AT_MOST * part.bytes))
    return { ...chosen, because: `as one of ${count} workers, ${chosen.because}` }
  }
}

/** What is resident of this process alone: the program is in memory once for all of them. */
function ownBytes(root: string): number {
  const kilobytes = /^RssAnon:\s*(\d+) kB$/m.exec(text(join(root, 'proc/self/status')))?.[1]
  return kilobytes === undefined ? process.memoryUsage.rss() : 1024 * Number(kilobytes)
}
