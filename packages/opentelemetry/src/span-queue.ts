import { SpanStatusCode } from '@opentelemetry/api'
import type { FinishedSpan } from './finished-span.ts'

/** A span that waits to be sent, with what it takes. */
export interface KeptSpan {
  readonly span: FinishedSpan
  readonly bytes: number
}

/** How many spans have left each lane, when those are gone that are in it now. */
export interface Mark {
  readonly errors: number
  readonly others: number
}

/** So many places in front that nobody stands in any more, at least, until the others move up. */
const MOVE_UP = 1024

/** Spans of one kind in their order, the oldest first. */
class Lane {
  // To shift a long array moves all of it, which a queue of 100,000 would do at the end of each span.
  readonly #spans: (KeptSpan | undefined)[] = []
  #first = 0
  bytes = 0
  /** How many have left it. */
  gone = 0

  get length(): number {
    return this.#spans.length - this.#first
  }

  get next(): KeptSpan | undefined {
    return this.#spans[this.#first]
  }

  push(kept: KeptSpan): void {
    this.#spans.push(kept)
    this.bytes += kept.bytes
  }

  shift(): KeptSpan | undefined {
    const { next } = this
    if (next === undefined) return undefined
    this.#spans[this.#first++] = undefined
    if (this.#first >= MOVE_UP && this.#first >= this.length) {
      this.#spans.splice(0, this.#first)
      this.#first = 0
    }
    this.gone++
    this.bytes -= next.bytes
    return next
  }

  unshift(kept: KeptSpan): void {
    if (this.#first > 0) this.#spans[--this.#first] = kept
    else this.#spans.unshift(kept)
    this.gone--
    this.bytes += kept.bytes
  }

  get end(): number {
    return this.gone + this.length
  }
}

/** Spans that wait to be sent. Those with errors stand in a lane of their own: they are sent first, and dropped last. */
export class SpanQueue {
  readonly #errors = new Lane()
  readonly #others = new Lane()

  get length(): number {
    return this.#errors.length + this.#others.length
  }

  /** What they take, all together. */
  get bytes(): number {
    return this.#errors.bytes + this.#others.bytes
  }

  /** How many bytes may be dropped to make room for another. */
  droppableBytes(forError: boolean): number {
    return forError ? this.bytes : this.#others.bytes
  }

  add(kept: KeptSpan): void {
    this.#laneOf(kept).push(kept)
  }

  /**
   * Takes the oldest out, one without an error as long as there is any.
   *
   * @param forError whether it has to make room for one with an error; for others no error is dropped
   */
  dropOldest(forError: boolean): KeptSpan | undefined {
    return this.#others.shift() ?? (forError ? this.#errors.shift() : undefined)
  }

  /** Takes out the next to be sent: one at least, where there is any. */
  take(most: number, mostBytes: number): KeptSpan[] {
    const batch: KeptSpan[] = []
    let bytes = 0
    for (const lane of [this.#errors, this.#others]) {
      for (let { next } = lane; next !== undefined; next = lane.next) {
        if (batch.length >= most || (batch.length > 0 && bytes + next.bytes > mostBytes)) break
        batch.push(next)
        bytes += next.bytes
        lane.shift()
      }
    }
    return batch
  }

  /** Has them again where they stood. One that failed alone goes to the end, so that it can't be in the way for ever. */
  putBack(batch: readonly KeptSpan[]): void {
    const [only] = batch
    if (batch.length === 1 && only !== undefined) this.add(only)
    else for (const kept of batch.toReversed()) this.#laneOf(kept).unshift(kept)
  }

  /** Those that are in it now. */
  mark(): Mark {
    return { errors: this.#errors.end, others: this.#others.end }
  }

  /** Whether any of those is in it still. */
  has({ errors, others }: Mark): boolean {
    return this.#errors.gone < errors || this.#others.gone < others
  }

  #laneOf({ span }: KeptSpan): Lane {
    return hasError(span) ? this.#errors : this.#others
  }
}

export function hasError({ status }: FinishedSpan): boolean {
  return status.code === SpanStatusCode.ERROR
}
