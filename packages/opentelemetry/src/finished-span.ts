import type { Attributes, Link, SpanContext, SpanStatus } from '@opentelemetry/api'

/**
 * What is asked of a span that has ended. Every `ReadableSpan` of the SDK is one, of its 2.x line as of its 3.x: neither
 * is a dependency of this package.
 */
export interface FinishedSpan {
  /** What it is called. */
  readonly name: string
  /** Whose it is, and whether it was sampled. */
  readonly spanContext: () => SpanContext
  /** Whose child it is. */
  readonly parentSpanContext?: SpanContext
  /** Spans with an error are kept longest. */
  readonly status: SpanStatus
  /** What it tells. */
  readonly attributes: Attributes
  /** What happened meanwhile. */
  readonly events: readonly FinishedEvent[]
  /** Other spans it belongs to. */
  readonly links: readonly Link[]
  /** Who made it. */
  readonly resource: SpanResource
}

/** Something that happened within a span. */
export interface FinishedEvent {
  /** What it is called. */
  readonly name: string
  /** What it tells. */
  readonly attributes?: Attributes
}

/** Who makes spans. */
export interface SpanResource {
  /** Whether it is still to find out who it is. */
  readonly asyncAttributesPending?: boolean
  /** Waits until it has. */
  waitForAsyncAttributes?(): Promise<void>
}

/** What became of an export. */
export interface ExportResult {
  /** 0: sent. Anything else: not. */
  readonly code: number
  /** Why not. */
  readonly error?: Error
}

/** Sends spans away. Every `SpanExporter` of the SDK is one. */
export interface SpanExporter {
  /** Sends, and calls back once. */
  export(spans: FinishedSpan[], resultCallback: (result: ExportResult) => void): void
  /** Sends no more. */
  shutdown(): Promise<void>
}
