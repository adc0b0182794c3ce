/**
 * Telemetry within bounds: a span processor for OpenTelemetry that keeps no more bytes than it may, and metrics of a
 * governor.
 *
 * @module @plimsoll/opentelemetry
 */

export { BoundedSpanProcessor, type SpanStats } from './bounded-span-processor.ts'
export type {
  ExportResult,
  FinishedEvent,
  FinishedSpan,
  SpanExporter,
  SpanResource,
} from './finished-span.ts'
export { type InstrumentOptions, instrumentGovernor } from './instrument-governor.ts'
export type { BoundedSpanProcessorConfig, BoundedSpanProcessorOptions } from './processor-options.ts'
