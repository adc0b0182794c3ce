import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { BoundedSpanProcessor } from '@plimsoll/opentelemetry'

export const CONTENDERS = ['bounded', 'batch'] as const
export type Contender = (typeof CONTENDERS)[number]

export const MAX_BYTES = 4 * 2 ** 20

/** The real exporter, which tells for how long each export held the event loop, by the time of the processor. */
export class TimedExporter extends OTLPTraceExporter {
  longestMs = 0

  override export(...args: Parameters<OTLPTraceExporter['export']>): void {
    const before = process.cpuUsage()
    super.export(...args)
    const { user, system } = process.cpuUsage(before)
    this.longestMs = Math.max(this.longestMs, (user + system) / 1000)
  }
}

export function processorOf(contender: Contender, exporter: SpanExporter) {
  // Each as it is without options.
  return contender === 'bounded' ? new BoundedSpanProcessor(exporter) : new BatchSpanProcessor(exporter)
}

export function tracerOf(processor: ReturnType<typeof processorOf>) {
  return new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('bench')
}
