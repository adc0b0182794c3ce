import { diag } from '@opentelemetry/api'

/** Tells OpenTelemetry's `diag`, whose logger is somebody else's: what it throws is no affair of who ends a span. */
export function warn(message: string, cause?: unknown): void {
  try {
    if (cause === undefined) diag.warn(message)
    else diag.warn(message, cause)
  } catch {
    // There is nobody else to tell.
  }
}
