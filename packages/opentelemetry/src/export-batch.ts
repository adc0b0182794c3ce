import { context, createContextKey } from '@opentelemetry/api'
import type { ExportResult, FinishedSpan, SpanExporter } from './finished-span.ts'

// That of @opentelemetry/core: keys of the same name are the same key.
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

const FAILED = 1

/**
 * Exports once, and settles when the exporter really calls back: never before, and never a second time. It does not
 * reject: an exporter that throws has failed.
 */
export async function exportBatch(exporter: SpanExporter, spans: FinishedSpan[]): Promise<ExportResult> {
  const pending = spans.filter(({ resource }) => resource.asyncAttributesPending)
  // What a resource can't find out is not worth its spans.
  if (pending.length > 0)
    await Promise.allSettled(pending.map(({ resource }) => resource.waitForAsyncAttributes?.()))
  return new Promise(resolve => {
    // An exporter that is traced would make spans of its own for ever.
    context.with(context.active().setValue(SUPPRESS_TRACING, true), () => {
      try {
        exporter.export(spans, resolve)
      } catch (error) {
        resolve({ code: FAILED, error: error as Error })
      }
    })
  })
}

/** What a result tells: whether the collector has the spans, is away, finds them too much at once, or does not want them. */
export type Verdict = 'sent' | 'away' | 'too large' | 'unwanted'

/** By the OTLP specification these, and no answer at all, are no fault of the spans. */
const AWAY = [408, 429, 502, 503, 504]
const TOO_LARGE = 413

export function verdictOf({ code, error }: ExportResult): Verdict {
  if (code === 0) return 'sent'
  const status = (error as { readonly code?: unknown } | undefined)?.code
  if (status === TOO_LARGE) return 'too large'
  return typeof status !== 'number' || AWAY.includes(status) ? 'away' : 'unwanted'
}
