import { FastifyOtelInstrumentation } from '@fastify/otel'
import { metrics } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { BoundedSpanProcessor } from '@plimsoll/opentelemetry'

/** What a server has to do with its telemetry. */
export interface Telemetry {
  readonly fastify: FastifyOtelInstrumentation
  readonly spanProcessor: BoundedSpanProcessor
  shutdown(): Promise<void>
}

/**
 * Sends spans and metrics to a collector. To be called before `node:http` and Fastify are loaded, which it instruments.
 *
 * @param collector as `http://127.0.0.1:4318`; without one nothing is sent
 */
export function startTracing(collector: string): Telemetry {
  const resource = resourceFromAttributes({ 'service.name': 'telemetry-example' })
  // The exporter's own time-out is what ends an export that hangs; shorter than a schedule delay, so that a collector
  // which is back is found within one.
  const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces`, timeoutMillis: 4000 })
  const spanProcessor = new BoundedSpanProcessor(exporter, { maxBytes: '2MiB' })
  const tracerProvider = new NodeTracerProvider({ resource, spanProcessors: [spanProcessor] })
  tracerProvider.register()
  const metricExporter = new OTLPMetricExporter({ url: `${collector}/v1/metrics`, timeoutMillis: 4000 })
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 15_000 })
  const meterProvider = new MeterProvider({ resource, readers: [reader] })
  metrics.setGlobalMeterProvider(meterProvider)
  // Spans of hooks are many, and tell little.
  const fastify = new FastifyOtelInstrumentation({ instrumentHooks: false })
  const stop = registerInstrumentations({
    tracerProvider,
    instrumentations: [new HttpInstrumentation(), fastify],
  })
  return {
    fastify,
    spanProcessor,
    async shutdown() {
      stop()
      // Nothing fails a server that goes down.
      await Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown({ timeoutMillis: 4000 })])
    },
  }
}
