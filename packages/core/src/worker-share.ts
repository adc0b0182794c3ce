import { join } from 'node:path'
import type { ByteBudget } from './byte-budget.ts'
import { mebibytes } from './byte-size.ts'
import { Giants } from './giants.ts'
import type { Looker } from './looks.ts'
import {
  type ChosenBudget,
  chooseBudget,
  FLOATING_BYTES,
  type MemoryLimit,
  memoryLimit,
  text,
} from './memory-limit.ts'
import type { Logger } from './refusal-log.ts'
import { Turn } from './turn.ts'
import type { Workers } from './workers.ts'

/** For so long there have to be fewer workers until the others have the part of one that ended: its successor may be on its way. */
export const RETURNS_AFTER_MS = 1000

/** Of a small part: its large bodies come one at a time, and four of 512 MiB were measured to let float 50 MiB each at most. */
const FLOATS_AT_MOST = 3 / 8

/** What one of so many workers may use. Each has a heap of its own, and lets as much float as if it were alone. */
export function partOf({ bytes, source }: MemoryLimit, workers: number): MemoryLimit {
  return { bytes: Math.floor(bytes / workers), source }
}

/** What a worker has. */
export interface WorkerBudget extends ChosenBudget {
  /** What one request may cost in the turn of all workers, beside all their budgets; 0 where there is none. */
  readonly giantBytes: number
}

/** The budget of a worker of node:cluster: smaller as soon as there are more of them, larger a while after there are fewer. */
export class WorkerShare implements Looker {
  readonly #workers: Pick<Workers, 'count'>
  readonly #logger: Logger
  readonly #limit: MemoryLimit
  readonly #ownBytes: number
  readonly #turn: Turn | undefined
  #budget: ByteBudget | undefined
  #giants: Giants | undefined
  #count: number
  #chosen: WorkerBudget
  #fewerSince: number | undefined

  /** @param root where `/proc` and `/sys` are found, for tests */
  constructor(workers: Pick<Workers, 'name' | 'first' | 'count'>, logger: Logger, root = '/') {
    this.#workers = workers
    this.#logger = logger
    this.#limit = memoryLimit(root)
    this.#ownBytes = ownBytes(root)
    // Where they have no name there are no such sockets either.
    this.#turn = workers.name === undefined ? undefined : new Turn(workers.name)
    this.#count = workers.first
    this.#chosen = this.#choose()
  }

  /** How many workers there are. */
  get count(): number {
    return this.#count
  }

  /** As it is now. */
  get chosen(): WorkerBudget {
    return this.#chosen
  }

  /** Has this budget be as large, from now on. */
  govern(budget: ByteBudget): void {
    const { bytes, giantBytes } = this.#chosen
    this.#budget = budget
    this.#giants = this.#turn && new Giants(budget, this.#turn)
    budget.configure(bytes, giantBytes)
  }

  /** Counts the workers, which takes some 10 µs, and sees to those who cost more than a part. */
  look(): void {
    this.#recount()
    this.#giants?.look()
  }

  /** Nobody is there any more, so it is nobody's turn here. */
  rest(): void {
    this.#giants?.look()
  }

  #recount(): void {
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
    const { bytes, giantBytes } = this.#chosen
    // Whoever has resized it wants it so.
    if (this.#budget?.capacity !== before) return
    this.#budget.configure(bytes, giantBytes)
    this.#logger.info(
      { budget: bytes, workers: count },
      `plimsoll: workers that share the container are ${count} now, so each has a budget of ${mebibytes(bytes)}`,
    )
  }

  #choose(): WorkerBudget {
    const count = this.#count
    // The primary is of all of them, and about as large.
    const residentBytes = Math.ceil((this.#ownBytes * (count + 1)) / count)
    const part = partOf(this.#limit, count)
    const chosen = chooseBudget(part, residentBytes, Math.min(FLOATING_BYTES, FLOATS_AT_MOST * part.bytes))
    const { bytes, roomBytes } = chosen
    const giantBytes = this.#turn === undefined ? 0 : count * (roomBytes - bytes)
    return { ...chosen, giantBytes, because: `as one of ${count} workers, ${chosen.because}` }
  }
}

/** What is resident of this process alone: the program is in memory once for all of them. */
function ownBytes(root: string): number {
  const kilobytes = /^RssAnon:\s*(\d+) kB$/m.exec(text(join(root, 'proc/self/status')))?.[1]
  return kilobytes === undefined ? process.memoryUsage.rss() : 1024 * Number(kilobytes)
}
