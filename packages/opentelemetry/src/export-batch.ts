import { context, createContextKey } from '@opentelemetry/api'
import type { ExportResult, FinishedSpan, SpanExporter } from './finished-span.ts'

// That of @opentelemetry/core: keys of the same name are the same key.
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

const FAILED = 1

/**
 * Exports once, and settles when the exporter really calls back: never before, and never a second time. It does not
 * reject: an exporter that throws has failed, and so has one that calls back with nothing.
 */
export async function exportBatch(exporter: SpanExporter, spans: FinishedSpan[]): Promise<ExportResult> {
  try {
    const pending = spans.filter(({ resource }) => resource.asyncAttributesPending)
    // What a resource can't find out is not worth its spans.
    if (pending.length > 0)
      await Promise.allSettled(pending.map(async ({ resource }) => resource.waitForAsyncAttributes?.()))
    const result = await new Promise<ExportResult | undefined>(resolve => {
      // An exporter that is traced would make spans of its own for ever.
      context.with(context.active().setValue(SUPPRESS_TRACING, true), () => exporter.export(spans, resolve))
    })
    return result ?? { code: FAILED }
  } catch (error) {
    return { code: FAILED, error: error as Error }
  }
}

/** What a result tells: whether the collector has the spans, is away, finds them too much at once, or does not want them. */
export type Verdict = 'sent' | 'away' | 'too large' | 'unwanted'

/** By the OTLP specification these, and no answer at all, are no fault of the spans. */
const AWAY = [
  ...[408, 429, 502, 503, 504],
  // Over gRPC: cancelled, deadline exceeded, resource exhausted, aborted, out of range, unavailable, data loss.
  ...[1, 4, 8, 10, 11, 14, 15],
]
const TOO_LARGE = 413

export function verdictOf({ code, error }: ExportResult): Verdict {
  if (code === 0) return 'sent'
  const status = (error as { readonly code?: unknown } | undefined)?.code
  if (status === TOO_LARGE) return 'too large'
  return typeof status !== 'number' || AWAY.includes(status) ? 'away' : 'unwanted'
}
