import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, json } from 'node:stream/consumers'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { Governor, reservationOf } from '@plimsoll/core'
import {
  BoundedSpanProcessor,
  type BoundedSpanProcessorOptions,
  instrumentGovernor,
  type SpanStats,
} from '@plimsoll/opentelemetry'

interface Exported {
  readonly resourceSpans: readonly [
    {
      readonly scopeSpans: readonly [{ readonly spans: readonly [{ readonly attributes: readonly [Bytes] }] }]
    },
  ]
}
interface Bytes {
  readonly key: string
  readonly value: { readonly intValue: number }
}

const exported: Exported[] = []
const collector = createServer((req, res) => {
  void json(req).then(body => {
    exported.push(body as Exported)
    res.setHeader('content-type', 'application/json').end('{}')
  })
})

async function main(): Promise<void> {
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  const governor = new Governor({ budget: '1MiB', maxBody: '128KiB' })
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`
  const options: BoundedSpanProcessorOptions = { maxBytes: '256KiB', budget: governor.budget }
  const spanProcessor = new BoundedSpanProcessor(new OTLPTraceExporter({ url }), options)
  const provider = new BasicTracerProvider({ spanProcessors: [spanProcessor satisfies SpanProcessor] })
  const stop: () => void = instrumentGovernor(governor, { spanProcessor })
  const server = createServer(
    governor.listener((req, res) => {
      const attributes = { bytes: reservationOf(req).bytes }
      const span = provider.getTracer('app').startSpan('request', { attributes })
      void buffer(req).then(body => {
        res.end(JSON.stringify({ read: body.length }))
        span.end()
      })
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: Buffer.alloc(65536) })
  const { status } = response
  const { read } = (await response.json()) as { read: number }
  server.close()
  await governor.close()
  await provider.shutdown()
  collector.close()
  stop()
  const { made, sent }: SpanStats = spanProcessor.stats()
  if (made !== sent) throw new Error(`${sent} of ${made} spans were sent`)
  const { key, value } = (exported[0] as Exported).resourceSpans[0].scopeSpans[0].spans[0].attributes[0]
  console.log(JSON.stringify({ status, [key]: value.intValue, read, reserved: governor.stats().reserved }))
}
void main()

/** Never called: the compiler says whether the types forbid what they should. */
export function typos(exporter: OTLPTraceExporter): void {
  // @ts-expect-error a size is a number or a string
  new BoundedSpanProcessor(exporter, { maxBytes: true })
  // @ts-expect-error an unknown option
  new BoundedSpanProcessor(exporter, { maxQueueSzie: 1 })
  // @ts-expect-error a budget is one
  new BoundedSpanProcessor(exporter, { budget: '4MiB' })
  // @ts-expect-error it is a governor that has figures
  instrumentGovernor({})
}
