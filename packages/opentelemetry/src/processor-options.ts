import {
  type ByteBudget,
  type ByteSize,
  checkDuration,
  checkOptions,
  checkWhole,
  optionError,
  parseByteSize,
} from '@plimsoll/core'
import type { SpanExporter } from './finished-span.ts'
import { warn } from './warn.ts'

/** Bounds of a {@link BoundedSpanProcessor}. Those of `BatchSpanProcessor` have its names, and its environment variables. */
export interface BoundedSpanProcessorOptions {
  /**
   * The most that all spans may take which are kept, by an estimate: those that wait, those under way, and those to be
   * sent again, and the text that becomes of those under way. Default 4 MiB, at least 64 KiB. One export has an eighth of it
   * at most, and 256 KiB, or a single span; as much is left for its text.
   */
  readonly maxBytes?: ByteSize
  /**
   * The budget of the server, of which these bytes are then taken as well, at lower priority: none while requests wait
   * for theirs; and who finds no room has those of the spans that wait, the oldest of which are dropped. Default: none.
   */
  readonly budget?: ByteBudget
  /** The most exports under way at once, from 1 to 30. Default 1. */
  readonly maxConcurrentExports?: number
  /** The most spans that are kept, those under way included. Default `OTEL_BSP_MAX_QUEUE_SIZE`, or 1024. */
  readonly maxQueueSize?: number
  /**
   * The most spans of one export, and so many are sent at once. Default `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, or 256; never more
   * than `maxQueueSize`.
   */
  readonly maxExportBatchSize?: number
  /** How long fewer than that wait for more, in milliseconds. Default `OTEL_BSP_SCHEDULE_DELAY`, or 5000. */
  readonly scheduledDelayMillis?: number
  /**
   * How long `forceFlush` and `shutdown` may take, and an export until it is taken for a sign that the collector is away, in
   * milliseconds from 1. It ends no export: only the exporter's own time-out does. Default `OTEL_BSP_EXPORT_TIMEOUT`, or
   * 10_000.
   */
  readonly exportTimeoutMillis?: number
}

/** All in one, as OpenTelemetry's 3.x line has it. */
export interface BoundedSpanProcessorConfig extends BoundedSpanProcessorOptions {
  /** Any `SpanExporter` of OpenTelemetry's SDK. */
  readonly exporter: SpanExporter
}

/** The same, checked; sizes are in bytes. */
export interface ResolvedProcessorOptions {
  readonly maxBytes: number
  readonly budget: ByteBudget | undefined
  readonly maxConcurrentExports: number
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
}

const LEAST_BYTES = 64 * 1024
const MOST_SPANS = 2 ** 20
const MOST_EXPORTS = 30

const KEYS = [
  'maxBytes',
  'budget',
  'maxConcurrentExports',
  'maxQueueSize',
  'maxExportBatchSize',
  'scheduledDelayMillis',
  'exportTimeoutMillis',
]

/**
 * Tells the exporter from the options, by either shape of `BatchSpanProcessor`'s constructor.
 *
 * @throws `ERR_PLIMSOLL_OPTION` where there is no exporter
 */
export function exporterAndOptions(
  first: SpanExporter | BoundedSpanProcessorConfig,
  rest: BoundedSpanProcessorOptions,
): readonly [SpanExporter, BoundedSpanProcessorOptions] {
  if (isExporter(first)) return [first, rest]
  const { exporter, ...options } = first ?? {}
  if (!isExporter(exporter)) throw optionError('exporter', 'a SpanExporter', exporter)
  return [exporter, { ...options, ...rest }]
}

function isExporter(value: unknown): value is SpanExporter {
  return typeof (value as Partial<SpanExporter> | undefined)?.export === 'function'
}

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveProcessorOptions(options: BoundedSpanProcessorOptions): ResolvedProcessorOptions {
  checkOptions(options, KEYS, 'options')
  const { maxBytes = '4MiB', maxConcurrentExports = 1, budget } = options
  const bytes = parseByteSize(maxBytes, 'maxBytes')
  if (bytes < LEAST_BYTES) throw optionError('maxBytes', 'at least 64 KiB', maxBytes)
  if (budget !== undefined && typeof budget?.onShortage !== 'function')
    throw optionError('budget', 'a ByteBudget', budget)
  const spans = (value: number, name: string): number => checkWhole(value, name, MOST_SPANS, 1)
  const maxQueueSize = chosen(options, 'maxQueueSize', 'OTEL_BSP_MAX_QUEUE_SIZE', 1024, spans)
  return Object.freeze({
    maxBytes: bytes,
    budget,
    maxConcurrentExports: checkWhole(maxConcurrentExports, 'maxConcurrentExports', MOST_EXPORTS, 1),
    maxQueueSize,
    maxExportBatchSize: Math.min(
      maxQueueSize,
      chosen(options, 'maxExportBatchSize', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 256, spans),
    ),
    scheduledDelayMillis: chosen(
      options,
      'scheduledDelayMillis',
      'OTEL_BSP_SCHEDULE_DELAY',
      5000,
      checkDuration,
    ),
    exportTimeoutMillis: chosen(
      options,
      'exportTimeoutMillis',
      'OTEL_BSP_EXPORT_TIMEOUT',
      10_000,
      (value, name) => checkDuration(value, name, 1),
    ),
  })
}

type BatchOption = 'maxQueueSize' | 'maxExportBatchSize' | 'scheduledDelayMillis' | 'exportTimeoutMillis'

/**
 * An option of code, else of the environment, else the default. What is wrong in code throws; in the environment it is told
 * and left aside, as OpenTelemetry's specification wants it: somebody else may have set it, for all servers.
 */
function chosen(
  options: BoundedSpanProcessorOptions,
  option: BatchOption,
  variable: string,
  otherwise: number,
  check: (value: number, name: string) => number,
): number {
  const inCode = options[option]
  if (inCode !== undefined) return check(inCode, option)
  const set = process.env[variable]?.trim() ?? ''
  if (set === '') return otherwise
  try {
    return check(Number(set), variable)
  } catch (error) {
    warn(`${(error as Error).message}; ${otherwise} is used`)
    return otherwise
  }
}
