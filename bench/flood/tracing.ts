import type { SpanStats } from '@plimsoll/opentelemetry'
import type { Contender } from '../telemetry/contenders.ts'

/** What a traced server is told. */
export interface Tracing {
  readonly processor: Contender
  /** The URL of one that hangs. */
  readonly collector: string
}

/** What became of its spans, and the most that they took; of a bounded processor. */
export interface TracedSpans extends SpanStats {
  readonly mostBytes: number
}

export function spansLine({ made, sent, dropped, kept, mostBytes }: TracedSpans): string {
  const sum = made === sent + dropped + kept ? 'which is all' : 'WHICH IS NOT ALL'
  const most = (mostBytes / 2 ** 20).toFixed(1)
  return `spans: ${made} made, ${sent} sent, ${dropped} dropped, ${kept} kept, ${sum}; ${most} MiB at most`
}
