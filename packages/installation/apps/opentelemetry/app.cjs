const { once } = require('node:events')
const { createServer } = require('node:http')
const { buffer, json } = require('node:stream/consumers')
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http')
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base')
const { Governor, reservationOf } = require('@plimsoll/core')
const { BoundedSpanProcessor, instrumentGovernor } = require('@plimsoll/opentelemetry')

const exported = []
const collector = createServer(async (req, res) => {
  exported.push(await json(req))
  res.setHeader('content-type', 'application/json').end('{}')
})

async function main() {
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  const governor = new Governor({ budget: '1MiB', maxBody: '128KiB' })
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${collector.address().port}/v1/traces` })
  const spanProcessor = new BoundedSpanProcessor(exporter, { maxBytes: '256KiB', budget: governor.budget })
  const provider = new BasicTracerProvider({ spanProcessors: [spanProcessor] })
  const stop = instrumentGovernor(governor, { spanProcessor })
  const server = createServer(
    governor.listener(async (req, res) => {
      const attributes = { bytes: reservationOf(req).bytes }
      const span = provider.getTracer('app').startSpan('request', { attributes })
      res.end(JSON.stringify({ read: (await buffer(req)).length }))
      span.end()
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')

  const response = await fetch(`http://127.0.0.1:${server.address().port}`, {
    method: 'POST',
    body: Buffer.alloc(65536),
  })
  const { status } = response
  const { read } = await response.json()
  server.close()
  await governor.close()
  await provider.shutdown()
  collector.close()
  stop()
  const [{ resourceSpans }] = exported
  const [{ key, value }] = resourceSpans[0].scopeSpans[0].spans[0].attributes
  console.log(JSON.stringify({ status, [key]: value.intValue, read, reserved: governor.stats().reserved }))
}
main()
