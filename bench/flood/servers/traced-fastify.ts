import type { AddressInfo } from 'node:net'
import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { BoundedSpanProcessor } from '@plimsoll/opentelemetry'
import { endMixedSpan } from '../../telemetry/mixed-span.ts'

/** What a handler that asks a database some forty times leaves, besides the span of its request. */
const SPANS_OF_HANDLER = 40

registerInstrumentations({ instrumentations: [new HttpInstrumentation()] })
// Loaded after it, so that what they load is instrumented.
const { options, storage, telemetry } = await import('./object-store.ts')
const { buildApp } = await import('../../../examples/object-store/src/app.ts')
if (telemetry === undefined) throw new TypeError('--telemetry is missing')

/** The example's own application, traced; the spans of a governed one take their bytes of its budget. */
const { governed, budget, bodyLimit } = options
const logger = { level: 'warn', stream: process.stderr }
const app = await buildApp({ storage, masterKey: Buffer.alloc(32), governed, budget, bodyLimit, logger })

const exporter = new OTLPTraceExporter({ url: telemetry.collector })
const bounded = new BoundedSpanProcessor(exporter, governed ? { budget: app.plimsoll.budget } : {})
const processor = telemetry.processor === 'bounded' ? bounded : new BatchSpanProcessor(exporter)
// After the budget: until here the instrumentation has a tracer that waits for its provider.
new NodeTracerProvider({ spanProcessors: [processor] }).register()

const tracer = trace.getTracer('handler')
let mostBytes = 0
app.addHook('preHandler', async () => {
  for (let n = 0; n < SPANS_OF_HANDLER; n++) endMixedSpan(tracer)
  mostBytes = Math.max(mostBytes, bounded.stats().bytes)
})
app.get('/spans', { config: { plimsoll: false } }, async () => ({ ...bounded.stats(), mostBytes }))

await app.listen({ port: options.port, host: options.host })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
