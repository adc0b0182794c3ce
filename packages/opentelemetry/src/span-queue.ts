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

/** Spans of one kind in their order, the oldest first. */
class Lane {
  readonly spans: KeptSpan[] = []
  bytes = 0
  /** How many have left it. */
  gone = 0

  push(kept: KeptSpan): void {
    this.spans.push(kept)
    this.bytes += kept.bytes
  }

  shift(): KeptSpan | undefined {
    const first = this.spans.shift()
    if (first === undefined) return undefined
    this.gone++
    this.bytes -= first.bytes
    return first
  }

  unshift(kept: KeptSpan): void {
    this.spans.unshift(kept)
    this.gone--
    this.bytes += kept.bytes
  }

  get end(): number {
    return this.gone + this.spans.length
  }
}

/** Spans that wait to be sent. Those with errors stand in a lane of their own: they are sent first, and dropped last. */
export class SpanQueue {
  readonly #errors = new Lane()
  readonly #others = new Lane()

  get length(): number {
    return this.#errors.spans.length + this.#others.spans.length
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
      for (let next = lane.spans[0]; next !== undefined; next = lane.spans[0]) {
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
