import { AsyncResource } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { TraceFlags } from '@opentelemetry/api'
import { ByteRoom } from './byte-room.ts'
import { Circuit } from './circuit.ts'
import { verdictOf } from './export-batch.ts'
import { ExportSlots } from './export-slots.ts'
import type { ExportResult, FinishedSpan, SpanExporter } from './finished-span.ts'
import {
  type BoundedSpanProcessorConfig,
  type BoundedSpanProcessorOptions,
  exporterAndOptions,
  type ResolvedProcessorOptions,
  resolveProcessorOptions,
} from './processor-options.ts'
import { SpanAccount } from './span-account.ts'
import { hasError, type KeptSpan, SpanQueue } from './span-queue.ts'
import { sizeOfSpan } from './span-size.ts'
import { warn } from './warn.ts'

/** One export has no more than this part of the bytes: it is in memory a second time, as what is sent. */
const PART_OF_EXPORT = 8
/** Nor more than this: to make a text of it takes the event loop 3 to 13 ms (measured). */
const MOST_OF_EXPORT = 256 * 1024

/** What has become of all spans that were made, at any moment: `made` is `sent` and `dropped` and `kept`. */
export interface SpanStats {
  /** Sampled spans that have ended. */
  readonly made: number
  /** Spans that the collector has taken. */
  readonly sent: number
  /** Spans that were dropped: no room, unwanted by the collector, or left at the end. */
  readonly dropped: number
  /** Spans that wait or are under way. */
  readonly kept: number
  /** What these take, by an estimate; never more than `maxBytes`, less what is left for texts of exports. */
  readonly bytes: number
}

/**
 * Takes the place of `BatchSpanProcessor`, and keeps no more bytes than it may, whatever becomes of the collector.
 *
 * Where there is no room the oldest spans are dropped, those with errors last. A batch that could not be sent goes back to
 * where it stood: so retries need no bytes of their own, and have no end but that one. While the collector is away single
 * spans probe it, once in each schedule delay.
 */
export class BoundedSpanProcessor {
  readonly #options: ResolvedProcessorOptions
  readonly #exporter: SpanExporter
  readonly #queue = new SpanQueue()
  readonly #room: ByteRoom
  readonly #circuit: Circuit
  readonly #slots: ExportSlots
  readonly #mostBytes: number
  readonly #stopYielding: (() => void) | undefined
  // An export that hangs for a week would keep the context of the request in which it began, with all that is in there.
  readonly #outside = new AsyncResource('PLIMSOLL_SPANS')
  #timer: NodeJS.Timeout | undefined
  #urgent = false
  readonly #account = new SpanAccount()
  #closing: Promise<void> | undefined
  #closed = false

  /**
   * As of OpenTelemetry's 2.x line: an exporter, and options.
   *
   * @param exporter any `SpanExporter` of OpenTelemetry's SDK
   * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
   */
  constructor(exporter: SpanExporter, options?: BoundedSpanProcessorOptions)
  /**
   * As of its 3.x line: options that have an exporter.
   *
   * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
   */
  constructor(config: BoundedSpanProcessorConfig)
  constructor(first: SpanExporter | BoundedSpanProcessorConfig, rest: BoundedSpanProcessorOptions = {}) {
    const [exporter, options] = exporterAndOptions(first, rest)
    this.#exporter = exporter
    this.#options = resolveProcessorOptions(options)
    const { maxBytes, budget, maxExportBatchSize, scheduledDelayMillis } = this.#options
    const { maxConcurrentExports, exportTimeoutMillis } = this.#options
    this.#mostBytes = Math.min(MOST_OF_EXPORT, Math.floor(maxBytes / PART_OF_EXPORT))
    // Of the bound, not beside it: texts of exports. Half of it at most, or there would be no room for spans.
    const texts = Math.min(Math.floor(maxBytes / 2), maxConcurrentExports * this.#mostBytes)
    this.#room = new ByteRoom(maxBytes - texts, budget)
    this.#circuit = new Circuit(maxExportBatchSize, scheduledDelayMillis)
    this.#slots = new ExportSlots(exporter, maxConcurrentExports, exportTimeoutMillis, {
      ended: (batch, result) => this.#ended(batch, result),
      overdue: () => this.#circuit.failed(),
    })
    this.#stopYielding = budget?.onShortage(bytes => this.#giveBack(bytes))
  }

  /** What has become of all spans so far. Costs next to nothing: ask as often as you like. */
  stats(): SpanStats {
    const { made, sent, dropped } = this.#account
    return { made, sent, dropped, kept: this.#queue.length + this.#slots.spans, bytes: this.#room.taken }
  }

  /** Does nothing: a span that has not ended is its maker's. */
  onStart(): void {}

  /** Keeps a sampled span until it is sent, or drops it, or older ones, where there is no room. */
  onEnd(span: FinishedSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    const bytes = sizeOfSpan(span)
    const fits = bytes !== undefined && this.#closing === undefined && this.#makeRoom(bytes, hasError(span))
    // Made only once it is known what becomes of it: who is told of others that are dropped for it may look.
    this.#account.made++
    if (!fits) {
      this.#account.drop(1)
      return
    }
    this.#queue.add({ span, bytes })
    this.#schedule()
  }

  #makeRoom(bytes: number, forError: boolean): boolean {
    if (!this.#room.couldTake(bytes, this.#queue.droppableBytes(forError))) return false
    while (
      this.#queue.length + this.#slots.spans >= this.#options.maxQueueSize ||
      !this.#room.tryTake(bytes)
    ) {
      if (!this.#dropOldest(forError)) return false
    }
    return true
  }

  /** Somebody of higher priority has no room. */
  #giveBack(bytes: number): void {
    const before = this.#room.taken
    while (before - this.#room.taken < bytes && this.#dropOldest(true));
  }

  #dropOldest(forError: boolean): boolean {
    const oldest = this.#queue.dropOldest(forError)
    if (oldest === undefined) return false
    this.#account.drop(1)
    this.#room.giveBack(oldest.bytes)
    return true
  }

  /** A full batch is sent in the next turn of the loop, so that whoever ends a span does not pay for it. */
  #schedule(): void {
    const { length } = this.#queue
    if (length === 0 || this.#closing !== undefined || (this.#timer !== undefined && this.#urgent)) return
    if (this.#slots.areFull) return
    const urgent = !this.#circuit.isOpen && this.#isFull
    if (this.#timer !== undefined && !urgent) return
    clearTimeout(this.#timer)
    this.#urgent = urgent
    const waits = this.#circuit.isOpen ? this.#circuit.probeInMs : this.#options.scheduledDelayMillis
    this.#timer = this.#outside.runInAsyncScope(() =>
      setTimeout(() => this.#export(), urgent ? 0 : waits).unref(),
    )
  }

  get #isFull(): boolean {
    return this.#queue.length >= this.#circuit.batch || this.#queue.bytes >= this.#mostBytes
  }

  #export(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#slots.areFull) return
    const batch = this.#queue.take(this.#circuit.batch, this.#mostBytes)
    if (batch.length > 0) this.#outside.runInAsyncScope(() => this.#slots.begin(batch))
    this.#schedule()
  }

  #ended(batch: readonly KeptSpan[], result: ExportResult): Error | undefined {
    const verdict = verdictOf(result)
    if (verdict === 'away') this.#circuit.failed()
    else if (verdict === 'too large') this.#circuit.tooLarge()
    else this.#circuit.answered()
    const inPieces = verdict === 'too large' && batch.length > 1
    const again = (verdict === 'away' || inPieces) && !this.#closed && !this.#room.isWanted
    if (again) this.#queue.putBack(batch)
    else this.#forget(batch, verdict === 'sent')
    this.#schedule()
    if (verdict === 'sent' || (again && inPieces)) return undefined
    return result.error ?? new Error('The export has failed')
  }

  /** Keeps these no longer. */
  #forget(batch: readonly KeptSpan[], sent: boolean): void {
    // Before the bytes are given back: whoever is let in by that may look.
    if (sent) this.#account.send(batch.length)
    else this.#account.drop(batch.length)
    this.#room.giveBack(batch.reduce((sum, { bytes }) => sum + bytes, 0))
  }

  /**
   * Sends all spans that have ended by now, one batch after the other, within `exportTimeoutMillis`. Where the collector is
   * away it is tried once.
   *
   * @throws what the exporter says where an export fails, or `ERR_PLIMSOLL_FLUSH_TIMEOUT`; the spans are kept, and sent later
   */
  forceFlush(): Promise<void> {
    return this.#closing ?? this.#flush(performance.now() + this.#options.exportTimeoutMillis)
  }

  async #flush(until: number): Promise<void> {
    const mark = this.#queue.mark()
    let last: readonly (readonly KeptSpan[])[] | undefined
    let failure: unknown
    for (;;) {
      // What was under way may come back, to be sent in smaller batches.
      last = this.#queue.has(mark) ? undefined : (last ?? this.#slots.batches)
      if (last === undefined) this.#export()
      else if (last.every(batch => !this.#slots.has(batch))) break
      try {
        await this.#slots.oneEnds(Math.max(0, until - performance.now()))
      } catch (error) {
        // What the collector does not want is no reason to withhold the others.
        if (this.#circuit.isOpen || performance.now() >= until) throw error
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }

  /**
   * Flushes, drops what could not be sent, and shuts the exporter down, all within `exportTimeoutMillis`. Never rejects.
   * Spans that end from here on are dropped. What is under way counts as kept until the exporter is really done.
   */
  shutdown(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    let closed: () => void
    // Known before anything of it is begun: an exporter may call back from within, or shut us down.
    this.#closing = new Promise(resolve => {
      closed = resolve
    })
    void this.#close(performance.now() + this.#options.exportTimeoutMillis).then(() => closed())
    return this.#closing
  }

  async #close(until: number): Promise<void> {
    clearTimeout(this.#timer)
    try {
      await this.#flush(until)
    } catch (error) {
      warn('plimsoll: not all spans could be sent before the end', error)
    }
    this.#closed = true
    this.#stopYielding?.()
    while (this.#dropOldest(true));
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, Math.max(0, until - performance.now()))
    })
    await Promise.race([this.#shutExporterDown(), late])
    clearTimeout(timer)
  }

  async #shutExporterDown(): Promise<void> {
    try {
      await this.#exporter.shutdown()
    } catch (error) {
      warn('plimsoll: the exporter could not be shut down', error)
    }
    // What it has called back with by now is still to be heard.
    if (this.#slots.spans > 0) await setImmediate()
    for (const batch of this.#slots.abandon()) this.#forget(batch, false)
  }
}
