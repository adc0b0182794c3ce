import { context, createContextKey, type Span, trace } from '@opentelemetry/api'

// That of @opentelemetry/core, where the http instrumentation leaves the span of the request.
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA')

/** The span of the request that is being served; where nobody says which that is, the one that is active. */
export function serverSpan(): Span | undefined {
  const active = context.active()
  const metadata = active.getValue(RPC_METADATA) as { readonly span?: Span } | undefined
  return metadata?.span ?? trace.getSpan(active)
}
