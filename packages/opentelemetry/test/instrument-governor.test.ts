import { createServer, type RequestListener, request } from 'node:http'
import {
  connect,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { context, createContextKey, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { Governor, type GovernorOptions, reservationOf } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { until } from '../../core/test/fixtures/until.ts'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import { type InstrumentOptions, instrumentGovernor } from '../src/instrument-governor.ts'
import { OpenRequests } from '../src/open-requests.ts'
import { HeldExporter } from './fixtures/held-exporter.ts'
import { tracerFor } from './fixtures/tracing.ts'

const logger = { info() {}, warn() {}, error() {} }

/** Collects when it is asked. */
class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** What it reads: the points of each metric. */
  async read(): Promise<Map<string, DataPoint<unknown>[]>> {
    const { resourceMetrics, errors } = await this.collect()
    if (errors.length > 0) throw errors[0]
    const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return new Map(found.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]))
  }

  /** The one value of each metric that has one and is no histogram. */
  async values(): Promise<Record<string, unknown>> {
    const read = [...(await this.read())]
    return Object.fromEntries(read.map(([name, points]) => [name, points[0]?.value]))
  }
}

async function observed(
  t: Test,
  options: GovernorOptions & InstrumentOptions,
  handler: RequestListener,
  wrap: (listener: RequestListener) => RequestListener = listener => listener,
) {
  const { attributes, spanProcessor, spanAttribute, ...rest } = options
  const governor = new Governor({ logger, ...rest })
  const reader = new Reader()
  const meterProvider = new MeterProvider({ readers: [reader] })
  const stop = instrumentGovernor(governor, {
    meterProvider,
    ...(attributes && { attributes }),
    ...(spanProcessor && { spanProcessor }),
    ...(spanAttribute === undefined ? {} : { spanAttribute }),
  })
  const server = createServer(wrap(governor.listener(handler) as RequestListener))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    stop()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await governor.close()
  })
  const { port } = server.address() as AddressInfo
  const send = (path: string, body = ''): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sent = request({ port, path, method: 'POST', headers: { 'content-length': body.length } })
      sent.on('response', answer => answer.resume().on('end', () => resolve(answer.statusCode)))
      sent.on('error', reject)
      sent.end(body)
    })
  return { governor, reader, stop, send }
}

t.test('the figures of a governor are told as they are when somebody collects', async t => {
  const held: (() => void)[] = []
  const { governor, reader, send } = await observed(t, { budget: 1000, queue: { limit: 1 } }, (req, res) => {
    req.resume().on('end', () => held.push(() => res.end()))
  })
  const first = send('/a', 'x'.repeat(600))
  await until(() => held.length === 1, 'the first')
  const second = send('/b', 'x'.repeat(500))
  await until(() => governor.stats().waiting === 1, 'the second')
  t.equal(await send('/c', 'x'.repeat(500)), 503)
  t.match(await reader.values(), {
    'plimsoll.budget.capacity': 1000,
    'plimsoll.budget.ceiling': 1000,
    'plimsoll.budget.reserved': 600,
    'plimsoll.budget.available': 400,
    'plimsoll.budget.debt': 0,
    'plimsoll.budget.departed': 0,
    'plimsoll.budget.left_over': 0,
    'plimsoll.budget.lent': 0,
    'plimsoll.request.waiting': 1,
    'plimsoll.request.active': 1,
    'plimsoll.request.admitted': 1,
    'plimsoll.request.queued': 1,
    'plimsoll.request.refused': 1,
  })
  const points = await reader.read()
  t.match(points.get('plimsoll.request.refused'), [
    { attributes: { 'error.type': 'ERR_PLIMSOLL_QUEUE_FULL' } },
  ])
  const [age] = points.get('plimsoll.budget.oldest_reservation') ?? []
  t.ok((age?.value as number) > 0 && (age?.value as number) < 60, 'in seconds')
  const [used, limit, unreserved] = ['usage', 'limit', 'unreserved'].map(
    name => points.get(`plimsoll.memory.${name}`)?.[0]?.value as number,
  ) as [number, number, number]
  t.ok(used > 2 ** 20 && limit > used)
  t.equal(unreserved, used - 600)
  governor.budget.resize(500)
  t.match(await reader.values(), { 'plimsoll.budget.debt': 100, 'plimsoll.budget.available': 0 })
  governor.budget.resize(1000)
  held[0]?.()
  await first
  await until(() => held.length === 2, 'its grant')
  held[1]?.()
  await second
  await until(() => governor.stats().active === 0, 'the release')
  t.match(await reader.values(), { 'plimsoll.budget.oldest_reservation': 0, 'plimsoll.request.admitted': 2 })
})

t.test('how long requests waited is a histogram by route, and never by URL', async t => {
  const { governor, reader, send } = await observed(
    t,
    { budget: 1000, attributes: { governor: 'uploads' } },
    (req, res) => {
      req.resume().on('end', () => res.end())
    },
  )
  for (let n = 1; n <= 30; n++) {
    await send(`/things/${n}`, 'x')
    await until(() => governor.stats().active === 0, 'its release')
  }
  const points = (await reader.read()).get('plimsoll.request.wait_time') as DataPoint<Histogram>[]
  t.equal(
    points.reduce((sum, { value }) => sum + value.count, 0),
    30,
    'those that did not wait are counted',
  )
  t.ok(points.every(({ attributes }) => attributes.governor === 'uploads'))
  t.match(points.at(-1), { attributes: { 'http.request.method': 'POST', 'http.route': /^\/things\/[^0-9]/ } })
  t.ok(points.length < 15, `${points.length} series`)
})

t.test('bytes that are held after the response are told', async t => {
  let finish = (): void => {}
  const { governor, reader, send } = await observed(t, { budget: 1000 }, (req, res) => {
    reservationOf(req).hold(
      new Promise<void>(resolve => {
        finish = resolve
      }),
    )
    req.resume().on('end', () => res.end())
  })
  await send('/', 'x'.repeat(300))
  const value = async () => (await reader.values())['plimsoll.budget.held_after_response']
  await until(async () => (await value()) === 300, 'the end of its response')
  finish()
  await until(() => governor.stats().active === 0, 'the release')
  t.equal(await value(), 0)
})

t.test('over HTTP/2 as well', async t => {
  const governor = new Governor({ budget: 1000, logger })
  const open = new OpenRequests(governor, () => {})
  t.teardown(() => open.close())
  let finish = (): void => {}
  const work = new Promise<void>(resolve => {
    finish = resolve
  })
  const server = createHttp2Server(
    governor.listener<Http2ServerRequest, Http2ServerResponse>((req, res) => {
      reservationOf(req).hold(work)
      req.resume().on('end', () => res.end())
    }),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => server.close(resolve)))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => session.destroy())
  const stream = session.request({ ':method': 'POST', ':path': '/', 'content-length': 300 })
  await until(() => governor.stats().active === 1, 'the request')
  t.equal(open.bytesAfterResponse, 0)
  stream.end('x'.repeat(300))
  stream.resume()
  await until(() => open.bytesAfterResponse === 300, 'the end of its response')
  finish()
  await until(() => governor.stats().active === 0, 'the release')
  t.equal(open.bytesAfterResponse, 0)
})

t.test('another governor in the process is not counted', async t => {
  const handler: RequestListener = (req, res) => void req.resume().on('end', () => res.end())
  const one = await observed(t, { budget: 1000 }, handler)
  const other = await observed(t, { budget: 1000 }, handler)
  await other.send('/', 'x')
  t.equal((await one.reader.read()).get('plimsoll.request.wait_time'), undefined)
  t.equal((await other.reader.read()).get('plimsoll.request.wait_time')?.length, 1)
})

t.test('the span of a request that waited says for how long', async t => {
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  t.teardown(() => context.disable())
  const spans: ReadableSpan[] = []
  const tracer = tracerFor({
    onStart() {},
    onEnd: span => void spans.push(span),
    async forceFlush() {},
    async shutdown() {},
  })
  for (const byMetadata of [true, false]) {
    for (const spanAttribute of [true, false]) {
      spans.length = 0
      const held: (() => void)[] = []
      const { governor, send } = await observed(
        t,
        { budget: 1000, spanAttribute },
        (req, res) => {
          req.resume().on('end', () => held.push(() => res.end()))
        },
        listener => (req, res) => {
          const span = tracer.startSpan('server')
          res.on('close', () => span.end())
          // As the http instrumentation does it, within which there may be spans of hooks.
          const key = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA')
          const inner = byMetadata ? tracer.startSpan('hook') : span
          const within = trace.setSpan(
            byMetadata ? ROOT_CONTEXT.setValue(key, { span }) : ROOT_CONTEXT,
            inner,
          )
          context.with(within, () => listener(req, res))
        },
      )
      const first = send('/a', 'x'.repeat(600))
      await until(() => held.length === 1, 'the first')
      const second = send('/b', 'x'.repeat(600))
      await until(() => governor.stats().waiting === 1, 'the second')
      held[0]?.()
      await until(() => held.length === 2, 'its grant')
      held[1]?.()
      await Promise.all([first, second])
      await until(() => spans.length === 2, 'both spans')
      const waited = spans.map(({ attributes }) => attributes['plimsoll.request.wait_time'])
      t.equal(waited[0], undefined)
      if (spanAttribute) t.ok((waited[1] as number) > 0)
      else t.equal(waited[1], undefined)
    }
  }
})

t.test('what becomes of spans is told with it', async t => {
  const exporter = new HeldExporter()
  const spanProcessor = new BoundedSpanProcessor(exporter, { maxQueueSize: 2 })
  const { reader } = await observed(t, { budget: 1000, spanProcessor }, () => {})
  for (let n = 0; n < 3; n++) tracerFor(spanProcessor).startSpan('span').end()
  const { bytes } = spanProcessor.stats()
  t.match(await reader.values(), {
    'plimsoll.span.ended': 3,
    'plimsoll.span.sent': 0,
    'plimsoll.span.dropped': 1,
    'plimsoll.span.kept': 2,
    'plimsoll.span.memory': bytes,
  })
})

t.test('once it is stopped nothing is told any more', async t => {
  const { reader, stop, send } = await observed(
    t,
    { budget: 1000 },
    (req, res) => void req.resume().on('end', () => res.end()),
  )
  stop()
  await send('/', 'x')
  t.equal((await reader.read()).size, 0)
  stop()
})

t.test('without a meter provider it is the global one', async t => {
  const reader = new Reader()
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  t.teardown(() => metrics.disable())
  const stop = instrumentGovernor(new Governor({ budget: 1000, logger }))
  t.match(await reader.values(), { 'plimsoll.budget.capacity': 1000 })
  stop()
})

t.test('what is wrong throws, and names the option', async t => {
  const governor = new Governor({ budget: 1000, logger })
  for (const [name, value] of Object.entries({ meterProvider: {}, spanAttribute: 1, atributes: {} })) {
    t.throws(() => instrumentGovernor(governor, { [name]: value } as object), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: new RegExp(name),
    })
  }
  t.throws(() => instrumentGovernor({} as never), { code: 'ERR_PLIMSOLL_OPTION', message: /governor/ })
})
