import { AsyncLocalStorage } from 'node:async_hooks'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { ByteBudget } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { FakeClock } from '../../core/test/fixtures/fake-clock.ts'
import { whatIsLeft } from '../../core/test/fixtures/garbage.ts'
import { outcomeOf, promisesSettled } from '../../core/test/fixtures/settled.ts'
import { until } from '../../core/test/fixtures/until.ts'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import type { ExportResult } from '../src/finished-span.ts'
import type { BoundedSpanProcessorOptions } from '../src/processor-options.ts'
import { FAILED, HeldExporter, refusedWith, SENT } from './fixtures/held-exporter.ts'
import { SpanMaker, tracerFor } from './fixtures/tracing.ts'

const KiB = 1024

function given(t: Test, options: BoundedSpanProcessorOptions = {}) {
  const clock = new FakeClock(t)
  const exporter = new HeldExporter()
  const processor = new BoundedSpanProcessor(exporter, options)
  const maker = new SpanMaker()
  const end = (count: number, bytes = 0): void => {
    for (let n = 0; n < count; n++) processor.onEnd(maker.make('span', { text: 'x'.repeat(bytes) }))
  }
  const tick = async (ms: number): Promise<void> => {
    clock.tick(ms)
    await promisesSettled()
  }
  return { clock, exporter, processor, end, tick }
}

function sums(processor: BoundedSpanProcessor): boolean {
  const { made, sent, dropped, kept } = processor.stats()
  return made === sent + dropped + kept
}

function warnings(t: Test, warn: (message: string) => void): void {
  const silent = (): void => {}
  diag.setLogger({ verbose: silent, debug: silent, info: silent, error: silent, warn }, DiagLogLevel.WARN)
  t.teardown(() => diag.disable())
}

t.test('an exporter that calls back with nothing has failed', async t => {
  const { exporter, processor, end, tick } = given(t)
  end(2)
  const flushed = outcomeOf(processor.forceFlush())
  exporter.last.end(undefined as unknown as ExportResult)
  await tick(0)
  t.match(flushed(), { error: { message: 'The export has failed' } })
  t.match(processor.stats(), { made: 2, sent: 0, dropped: 0, kept: 2 })
})

t.test('an exporter that calls back from within, ends spans, flushes and shuts down there', async t => {
  const { exporter, processor, end, tick } = given(t, { maxConcurrentExports: 2, maxExportBatchSize: 2 })
  let depth = 0
  exporter.export = (spans, over) => {
    over(SENT)
    t.ok(sums(processor))
    if (depth++ > 0) return
    end(1)
    processor.forceFlush().catch(() => {})
    void processor.shutdown()
    end(1)
    t.ok(sums(processor))
    t.ok(spans.length > 0)
  }
  end(4)
  const down = outcomeOf(processor.shutdown())
  await tick(0)
  await tick(1)
  t.same(down(), { value: undefined })
  t.equal(exporter.shutdowns, 1)
  t.match(processor.stats(), { made: 6, sent: 4, dropped: 2, kept: 0, bytes: 0 })
})

t.test('to shut down leaves no timer, also where there is a slot free', async t => {
  const { clock, exporter, processor, end, tick } = given(t, {
    maxConcurrentExports: 2,
    maxExportBatchSize: 2,
  })
  end(2)
  const down = outcomeOf(processor.shutdown())
  exporter.last.end(SENT)
  await tick(0)
  t.same(down(), { value: undefined })
  t.equal(clock.pending, 0)
})

t.test('what hangs is dropped as the exporter is shut down, and who flushes is told', async t => {
  const { clock, exporter, processor, end, tick } = given(t, { exportTimeoutMillis: 10_000 })
  end(2)
  const down = outcomeOf(processor.shutdown())
  await tick(9_999)
  t.equal(exporter.shutdowns, 0)
  await tick(1)
  t.equal(exporter.shutdowns, 1)
  await tick(0)
  t.same(down(), { value: undefined })
  t.match(processor.stats(), { made: 2, dropped: 2, kept: 0, bytes: 0 })
  t.equal(clock.pending, 0)
})

t.test('a batch that is not wanted keeps none of the others from being sent, at the end too', async t => {
  for (const end of ['forceFlush', 'shutdown'] as const) {
    const bench = given(t, { maxExportBatchSize: 2 })
    bench.end(4)
    const over = outcomeOf(bench.processor[end]())
    bench.exporter.last.end(refusedWith(400))
    await bench.tick(0)
    bench.exporter.last.end(SENT)
    await bench.tick(0)
    t.match(bench.processor.stats(), { made: 4, sent: 2, dropped: 2, kept: 0 })
    if (end === 'shutdown') t.same(over(), { value: undefined })
    else t.match(over(), { error: { message: 'status 400' } })
  }
})

t.test('what is too large at once is flushed in pieces', async t => {
  const { exporter, processor, end, tick } = given(t)
  end(3)
  const over = outcomeOf(processor.shutdown())
  exporter.last.end(refusedWith(413))
  for (let n = 0; n < 3; n++) {
    await tick(0)
    exporter.last.end(SENT)
  }
  await tick(0)
  t.same(over(), { value: undefined })
  t.match(processor.stats(), { made: 3, sent: 3, dropped: 0 })
})

t.test('a collector that is away is tried once at the end', async t => {
  const { exporter, processor, end, tick } = given(t, { maxExportBatchSize: 2 })
  end(6)
  const down = outcomeOf(processor.shutdown())
  exporter.last.end(FAILED)
  await tick(0)
  t.same(down(), { value: undefined })
  t.equal(exporter.exports.length, 1)
  t.match(processor.stats(), { made: 6, dropped: 6, kept: 0, bytes: 0 })
})

t.test('a resource that throws as it is asked is no reason to keep spans', async t => {
  const { exporter, processor, tick } = given(t)
  const resource = {
    asyncAttributesPending: true,
    waitForAsyncAttributes: () => {
      throw new Error('no')
    },
  }
  processor.onEnd(Object.assign(Object.create(new SpanMaker().make('a')), { resource }))
  await tick(5000)
  t.same(exporter.names, [['a']])
})

t.test('a span without a resource fails its export, and no process', async t => {
  const { exporter, processor, tick } = given(t)
  processor.onEnd(Object.assign(Object.create(new SpanMaker().make('a')), { resource: undefined }))
  await tick(5000)
  t.same(exporter.names, [])
  t.match(processor.stats(), { made: 1, sent: 0, dropped: 0, kept: 1 })
})

t.test('a span that can’t be looked at is dropped, and its maker not told', async t => {
  const { processor } = given(t)
  const span = new SpanMaker().make('a')
  const attributes = {
    get broken(): string {
      throw new Error('no')
    },
  }
  processor.onEnd(Object.assign(Object.create(span), { attributes }))
  const cycle: unknown[] = []
  cycle.push(cycle)
  processor.onEnd(Object.assign(Object.create(span), { attributes: { cycle } }))
  t.match(processor.stats(), { made: 2, dropped: 2, kept: 0, bytes: 0 })
})

t.test('names of any type, which the SDK lets through, are no reason to drop a span', async t => {
  const { processor } = given(t)
  const tracer = tracerFor(processor)
  for (const name of [undefined, null, 5, {}]) {
    const span = tracer.startSpan(name as never)
    span.addEvent(name as never)
    span.end()
  }
  t.match(processor.stats(), { made: 4, dropped: 0, kept: 4 })
})

t.test('what is under way and too large at once is flushed in pieces, and waited for', async t => {
  for (const end of ['forceFlush', 'shutdown'] as const) {
    const { exporter, processor, end: endSpans, tick } = given(t, { maxExportBatchSize: 3 })
    endSpans(3)
    await tick(1)
    const over = outcomeOf(processor[end]())
    exporter.last.end(refusedWith(413))
    for (const piece of [1, 2]) {
      await tick(0)
      t.equal(over(), undefined)
      t.equal(exporter.last.spans.length, piece)
      exporter.last.end(SENT)
    }
    await tick(0)
    t.same(over(), { value: undefined })
    t.match(processor.stats(), { made: 3, sent: 3, dropped: 0 })
  }
})

t.test('the sum is right within a logger that is told of a dropped span, too', async t => {
  const bench = given(t, { maxQueueSize: 2, maxExportBatchSize: 1, maxConcurrentExports: 2 })
  const { exporter, processor, end, tick } = bench
  const told: string[] = []
  warnings(t, message => {
    told.push(message)
    t.ok(sums(processor), message)
  })
  told.length = 0
  end(3)
  t.equal(told.length, 1)
  await tick(1)
  await tick(1)
  exporter.last.end(SENT)
  await tick(0)
  end(1)
  await tick(1)
  t.equal(processor.stats().kept, 2, 'two hang')
  void processor.shutdown()
  await tick(10_000)
  await tick(0)
  t.match(processor.stats(), { made: 4, sent: 1, dropped: 3, kept: 0 })
  t.equal(told.filter(message => message === 'plimsoll: spans are dropped').length, 2)
})

t.test('what the exporter still sends while it is shut down is sent', async t => {
  const { exporter, processor, end, tick } = given(t)
  end(2)
  let answer = (): void => {}
  const answered = new Promise<void>(resolve => {
    answer = resolve
  })
  exporter.export = (_spans, over) => {
    const pending = answered.then(() => over(SENT))
    exporter.onShutdown = () => pending
  }
  void processor.shutdown()
  await tick(10_000)
  answer()
  await tick(0)
  await tick(0)
  t.match(processor.stats(), { made: 2, sent: 2, dropped: 0, kept: 0, bytes: 0 })
})

t.test('an export that hangs keeps nothing of the request in which it began', async t => {
  const exporter = new HeldExporter()
  const processor = new BoundedSpanProcessor(exporter, { maxExportBatchSize: 1, maxConcurrentExports: 2 })
  const span = new SpanMaker().make('span')
  const requests = new AsyncLocalStorage<object>()
  const seen: unknown[] = []
  const { export: hang } = exporter
  exporter.export = (spans, over) => {
    seen.push(requests.getStore())
    hang.call(exporter, spans, over)
  }
  const left = new Map<string, WeakRef<object>>()
  const serve = (name: string, work: () => void): void => {
    const request = { name }
    left.set(name, new WeakRef(request))
    requests.run(request, work)
  }
  serve('one that ends a span', () => processor.onEnd(span))
  await until(() => exporter.exports.length === 1, 'its export')
  processor.onEnd(span)
  serve('one that flushes', () => void processor.forceFlush().catch(() => {}))
  t.equal(exporter.exports.length, 2)
  t.same(seen, [undefined, undefined])
  // But for the promise of the flush, which is the caller's.
  left.delete('one that flushes')
  t.same(await whatIsLeft(left), [])
})

t.test('a logger that throws, or ends spans itself, changes nothing', async t => {
  const { exporter, processor, end, tick } = given(t, { maxQueueSize: 2 })
  let told = 0
  warnings(t, () => {
    told++
    end(1)
    throw new Error('no logger')
  })
  end(5)
  t.ok(sums(processor))
  t.ok(told < 3, 'and does not call itself')
  await tick(5000)
  exporter.last.end(SENT)
  await tick(0)
  const { made, kept, bytes } = processor.stats()
  t.ok(sums(processor))
  t.ok(made >= 6)
  t.ok(kept <= 2)
  t.equal(kept === 0, bytes === 0)
})

t.test(
  'while the budget is in debt, what waits is not dropped for a newcomer that can’t have it',
  async t => {
    const budget = new ByteBudget({ capacity: 100 * KiB })
    const { processor, end } = given(t, { budget })
    end(10, KiB)
    const { kept, bytes } = processor.stats()
    budget.tryAcquire(90 * KiB - bytes)
    budget.resize(50 * KiB)
    end(1, KiB)
    t.match(processor.stats(), { made: 11, dropped: 1, kept, bytes })
    budget.resize(0)
    end(1, KiB)
    t.match(processor.stats(), { made: 12, dropped: 2, kept, bytes })
  },
)

t.test('a long queue keeps its order, however often it has moved up', async t => {
  const { exporter, processor, tick } = given(t, {
    maxQueueSize: 2200,
    maxExportBatchSize: 500,
    maxBytes: '1GiB',
  })
  const span = new SpanMaker().make('span')
  let name = 0
  const end = (count: number): void => {
    for (let n = 0; n < count; n++) processor.onEnd(Object.assign(Object.create(span), { name: `${name++}` }))
  }
  end(4300)
  await tick(1)
  end(10)
  // To where they stood, some of them in front of all that is left: those behind have moved up meanwhile.
  exporter.last.end(refusedWith(413))
  await tick(0)
  const seen: string[] = []
  while (processor.stats().kept > 0) {
    await tick(5000)
    seen.push(...exporter.last.spans.map(({ name }) => name))
    exporter.last.end(SENT)
    await tick(0)
  }
  t.same(
    seen,
    [...seen].sort((one, other) => Number(one) - Number(other)),
  )
  t.equal(seen[0], '2100')
  t.equal(seen.length, 2200)
  t.match(processor.stats(), { made: 4310, sent: 2200, dropped: 2110, bytes: 0 })
})
