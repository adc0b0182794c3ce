import { PlimsollError } from '@plimsoll/core'
import { exportBatch } from './export-batch.ts'
import type { ExportResult, SpanExporter } from './finished-span.ts'
import type { KeptSpan } from './span-queue.ts'

/** Who hears what becomes of exports. */
export interface ExportListener {
  /**
   * The exporter has called back.
   *
   * @returns what is told to those who wait for it: an error where not all of it was sent, or is sent again at once
   */
  ended(batch: readonly KeptSpan[], result: ExportResult): Error | undefined
  /** It has not for so long that one must doubt it; it may yet. */
  overdue(): void
}

/**
 * The exports under way. A batch keeps its slot until the exporter really calls back, or is shut down: its spans are in
 * memory for as long, and to stop waiting for it would only begin another.
 */
export class ExportSlots {
  readonly #exporter: SpanExporter
  readonly #count: number
  readonly #timeoutMs: number
  readonly #listener: ExportListener
  readonly #batches = new Set<readonly KeptSpan[]>()
  // Not promises: who waits with a time-out for one that hangs would leave a reaction on it each time.
  readonly #waiting = new Set<(error?: Error) => void>()
  #spans = 0

  constructor(exporter: SpanExporter, count: number, timeoutMs: number, listener: ExportListener) {
    this.#exporter = exporter
    this.#count = count
    this.#timeoutMs = timeoutMs
    this.#listener = listener
  }

  /** How many spans are under way. */
  get spans(): number {
    return this.#spans
  }

  get areFull(): boolean {
    return this.#batches.size >= this.#count
  }

  /** Those under way now. */
  get batches(): readonly (readonly KeptSpan[])[] {
    return [...this.#batches]
  }

  has(batch: readonly KeptSpan[]): boolean {
    return this.#batches.has(batch)
  }

  begin(batch: readonly KeptSpan[]): void {
    this.#batches.add(batch)
    this.#spans += batch.length
    const overdue = setTimeout(() => this.#listener.overdue(), this.#timeoutMs).unref()
    const exported = exportBatch(
      this.#exporter,
      batch.map(({ span }) => span),
    )
    void exported.then(result => {
      clearTimeout(overdue)
      // After it was shut down nobody waits for it any more.
      if (!this.#leave(batch)) return
      const error = this.#listener.ended(batch, result)
      for (const over of this.#waiting) over(error)
    })
  }

  /** Waits for none of them any more, one after the other: the exporter is shut down. */
  *abandon(): Iterable<readonly KeptSpan[]> {
    for (const batch of this.#batches) if (this.#leave(batch)) yield batch
  }

  #leave(batch: readonly KeptSpan[]): boolean {
    if (!this.#batches.delete(batch)) return false
    this.#spans -= batch.length
    return true
  }

  /**
   * Resolves when one of them has ended, and rejects with its error where it failed.
   *
   * @throws `ERR_PLIMSOLL_FLUSH_TIMEOUT` where none has within `ms`
   */
  oneEnds(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (error?: Error): void => {
        clearTimeout(timer)
        this.#waiting.delete(over)
        if (error === undefined) resolve()
        else reject(error)
      }
      const timer = setTimeout(() => {
        over(new PlimsollError('ERR_PLIMSOLL_FLUSH_TIMEOUT', 'The collector has not taken all spans in time'))
      }, ms)
      this.#waiting.add(over)
    })
  }
}
