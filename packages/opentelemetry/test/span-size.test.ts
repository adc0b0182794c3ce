import {
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import t from 'tap'
import { bytesInUse } from '../../core/test/fixtures/garbage.ts'
import { estimateSpanBytes } from '../src/span-size.ts'
import { tracerFor } from './fixtures/tracing.ts'

// Many, since V8 gives back some 200 KB of its own now and then.
const SPANS = 5000
let unique = 0

// Each shape takes several collections of garbage.
t.setTimeout(120_000)

/** A string of its own, as one from a request is: flat, and nobody else's. */
function text(length: number, encoding: 'latin1' | 'utf16le' = 'latin1'): string {
  const digits = (unique++).toString(36).padStart(8, '0')
  if (encoding === 'latin1') return Buffer.alloc(length, digits).toString('latin1')
  return Buffer.from('語'.repeat(length), 'utf16le').toString('utf16le')
}

/** Where a request comes from, as its headers say. */
function sender(traceState: string): SpanContext {
  const id = (unique++).toString(16).padStart(16, '1')
  return {
    traceId: `${id}${id}`,
    spanId: id,
    traceFlags: 1,
    isRemote: true,
    traceState: createTraceState(traceState),
  }
}

function serve(tracer: Tracer, traceState: string): void {
  tracer.startSpan('span', {}, trace.setSpanContext(ROOT_CONTEXT, sender(traceState))).end()
}

const shapes: Readonly<Record<string, (tracer: Tracer) => void>> = {
  'without anything': tracer => tracer.startSpan('span').end(),
  'a query': tracer => {
    const attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': 'shop',
      'db.operation.name': 'SELECT',
      'db.query.text': text(240),
      'server.address': 'db.internal',
      'server.port': 5432,
    }
    tracer.startSpan('SELECT shop.orders', { attributes }).end()
  },
  'a request': tracer => {
    const attributes = {
      'http.request.method': 'POST',
      'url.scheme': 'http',
      'server.address': text(9),
      'network.peer.address': text(9),
      'network.peer.port': 37318,
      'network.protocol.version': '1.1',
      'user_agent.original': text(110),
      'url.path': text(24),
      'url.query': text(30),
      'client.address': text(9),
      'server.port': 43899,
      'http.response.status_code': 500,
      'http.route': '/things/:id',
    }
    tracer.startSpan('POST /things/:id', { attributes }).end()
  },
  'with numbers that are not whole': tracer => {
    const span = tracer.startSpan('span')
    for (let n = 0; n < 20; n++) span.setAttribute(`measure.${n}`, n + 0.5)
    span.end()
  },
  'with a hundred attributes': tracer => {
    const span = tracer.startSpan('span')
    for (let n = 0; n < 100; n++) span.setAttribute(`key.${n}`, n)
    span.end()
  },
  'with lists': tracer => {
    const attributes = {
      tags: [text(30), text(60), text(90)],
      sizes: [1, 2, 3, 4, 5, 6, 7, 8],
      on: [true, false],
    }
    tracer.startSpan('span', { attributes }).end()
  },
  'with a list of short strings': tracer =>
    tracer.startSpan('span', { attributes: { ids: Array.from({ length: 50 }, () => text(36)) } }).end(),
  'with a list of numbers': tracer =>
    tracer.startSpan('span', { attributes: { sizes: Array.from({ length: 50 }, (_, n) => n + 0.5) } }).end(),
  'with long names of attributes, made up as it goes': tracer => {
    const span = tracer.startSpan('span')
    for (let n = 0; n < 5; n++) span.setAttribute(text(1000), n)
    span.end()
  },
  'with an exception': tracer => {
    const span = tracer.startSpan('span')
    span.recordException(new Error(text(60)))
    span.setStatus({ code: SpanStatusCode.ERROR, message: text(60) })
    span.end()
  },
  'with events': tracer => {
    const span = tracer.startSpan('span')
    for (let n = 0; n < 20; n++) span.addEvent('message', { id: n })
    span.end()
  },
  'of a sender with a trace state of two entries': tracer =>
    serve(tracer, `dd=s:1;o:rum;p:${text(16)},rojo=${text(16)}`),
  'of a sender with a trace state of many': tracer =>
    serve(tracer, Array.from({ length: 32 }, (_, n) => `k${n}=${text(8)}`).join(',')),
  'of a sender with a trace state of long ones': tracer =>
    serve(tracer, Array.from({ length: 3 }, (_, n) => `k${n}=${text(150)}`).join(',')),
  'with links to senders': tracer => {
    const links = Array.from({ length: 4 }, () => ({ context: sender(`k=${text(30)},l=${text(40)}`) }))
    tracer.startSpan('span', { links }).end()
  },
  'with links': tracer => {
    const span = tracer.startSpan('span')
    for (let n = 0; n < 8; n++)
      span.addLink({ context: { traceId: text(32), spanId: text(16), traceFlags: 1 }, attributes: { n } })
    span.end()
  },
  'of 64 KiB': tracer => tracer.startSpan('span', { attributes: { body: text(64 * 1024) } }).end(),
  'of 16,384 wide characters': tracer =>
    tracer.startSpan('span', { attributes: { body: text(16 * 1024, 'utf16le') } }).end(),
}

t.test('an estimate is within a quarter of what spans take of the heap', async t => {
  const kept: ReadableSpan[] = []
  const tracer = tracerFor({
    onStart() {},
    onEnd: span => void kept.push(span),
    async forceFlush() {},
    async shutdown() {},
  })
  for (const [name, make] of Object.entries(shapes)) {
    const spans = name.startsWith('of 64') || name.startsWith('of 16') ? SPANS / 10 : SPANS
    for (let n = 0; n < 200; n++) make(tracer)
    kept.length = 0
    const before = await bytesInUse()
    for (let n = 0; n < spans; n++) make(tracer)
    const real = (await bytesInUse()) - before
    const ratio = kept.reduce((sum, span) => sum + estimateSpanBytes(span), 0) / real
    t.ok(ratio > 0.75 && ratio < 1.25, `${name}: ${ratio.toFixed(2)} of ${Math.round(real / spans)} bytes`)
  }
})

/** The estimate of a span that has this attribute and nothing else. */
function bytesWith(value: unknown): number {
  const span = {
    name: '',
    spanContext: () => ({}),
    status: { code: 0 },
    events: [{ name: '' }],
    links: [],
    resource: {},
  }
  return estimateSpanBytes({ ...span, attributes: { value } } as never)
}

t.test('what is no attribute costs nothing', async t => {
  for (const value of [undefined, null, true, Symbol('a'), () => {}]) t.equal(bytesWith(value), bytesWith(1))
  t.ok(bytesWith(2 ** 40) > bytesWith(1), 'but a number that is no pointer does')
})

t.test('of OpenTelemetry 3 bytes count, and attributes within attributes', async t => {
  const none = bytesWith(1)
  const within = (bytes: number, least: number): boolean => bytes >= least && bytes < 1.2 * least + 500
  t.ok(within(bytesWith(new Uint8Array(100_000)) - none, 100_000))
  t.ok(
    within(bytesWith(Buffer.alloc(1_000_000).subarray(0, 10)) - none, 1_000_000),
    'a piece keeps the whole',
  )
  t.ok(within(bytesWith(Buffer.from('abc')) - none, 3), 'but for a small one, in Node’s pool')
  const deep = { body: [{ text: 'x'.repeat(50_000) }, ['y'.repeat(50_000)]] }
  t.ok(within(bytesWith(deep) - none, 100_000))
})
