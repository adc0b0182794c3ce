import { DiagLogLevel, diag } from '@opentelemetry/api'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import t, { type Test } from 'tap'
import { FakeClock } from '../../core/test/fixtures/fake-clock.ts'
import { outcomeOf, promisesSettled } from '../../core/test/fixtures/settled.ts'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import type { ExportResult } from '../src/finished-span.ts'
import type { BoundedSpanProcessorOptions } from '../src/processor-options.ts'
import { FAILED, HeldExporter, refusedWith, SENT } from './fixtures/held-exporter.ts'
import { SpanMaker, tracerFor } from './fixtures/tracing.ts'

const KiB = 1024

class Bench {
  readonly clock: FakeClock
  readonly exporter = new HeldExporter()
  readonly processor: BoundedSpanProcessor
  readonly #maker = new SpanMaker()
  #names = 0

  constructor(t: Test, options: BoundedSpanProcessorOptions = {}) {
    this.clock = new FakeClock(t)
    this.processor = new BoundedSpanProcessor(this.exporter, options)
  }

  /** Ends spans, named 0, 1, 2, and so on. */
  end(count: number, { failed = false, bytes = 0 } = {}): void {
    for (let n = 0; n < count; n++) {
      const text = bytes === 0 ? {} : { text: 'x'.repeat(bytes) }
      this.processor.onEnd(this.#maker.make(`${failed ? 'error ' : ''}${this.#names++}`, text, failed))
    }
  }

  /** Ends the export that began last. */
  async over(result: ExportResult): Promise<void> {
    this.exporter.last.end(result)
    await this.tick(0)
  }

  /** Lets time go by, and promises have their turn. */
  async tick(ms: number): Promise<void> {
    this.clock.tick(ms)
    await promisesSettled()
  }

  get stats() {
    return this.processor.stats()
  }

  get kept(): number {
    return this.stats.kept
  }
}

function scenario(
  name: string,
  options: BoundedSpanProcessorOptions,
  run: (t: Test, bench: Bench) => Promise<void>,
): void {
  t.test(name, t => run(t, new Bench(t, options)))
}

scenario('spans are sent a schedule delay after the first of them', {}, async (t, bench) => {
  bench.end(2)
  await bench.tick(4999)
  t.same(bench.exporter.names, [])
  await bench.tick(1)
  t.same(bench.exporter.names, [['0', '1']])
  await bench.over(SENT)
  t.match(bench.stats, { made: 2, sent: 2, dropped: 0, kept: 0, bytes: 0 })
  t.equal(bench.clock.pending, 0, 'and no timer is left')
})

scenario(
  'a full batch is sent at once, but not within the end of a span',
  { maxExportBatchSize: 3 },
  async (t, bench) => {
    bench.end(4)
    await bench.tick(0)
    t.same(bench.exporter.names, [])
    await bench.tick(1)
    t.same(bench.exporter.names, [['0', '1', '2']])
    await bench.over(SENT)
    await bench.tick(4999)
    t.equal(bench.exporter.exports.length, 1, 'the rest waits for more')
    await bench.tick(1)
    t.same(bench.exporter.names.at(-1), ['3'])
  },
)

scenario('a batch has an eighth of the bytes', { maxBytes: '80KiB' }, async (t, bench) => {
  bench.end(4, { bytes: 4 * KiB })
  await bench.tick(1)
  t.same(bench.exporter.names, [['0', '1']], 'which makes it full, too')
})

scenario('one span that is larger goes alone', { maxBytes: '80KiB' }, async (t, bench) => {
  bench.end(2, { bytes: 20 * KiB })
  await bench.tick(1)
  t.same(bench.exporter.names, [['0']])
})

scenario('spans that were not sampled are not made', {}, async (t, bench) => {
  tracerFor(bench.processor, { sampled: false }).startSpan('unseen').end()
  t.equal(bench.stats.made, 0)
  tracerFor(bench.processor).startSpan('seen').end()
  t.equal(bench.stats.made, 1)
})

scenario(
  'the oldest are dropped where there are too many, those with errors last',
  { maxQueueSize: 3 },
  async (t, bench) => {
    bench.end(1, { failed: true })
    bench.end(3)
    t.match(bench.stats, { made: 4, dropped: 1, kept: 3 })
    bench.end(2, { failed: true })
    bench.end(1)
    t.match(bench.stats, { made: 7, dropped: 4, kept: 3 })
    await bench.tick(5000)
    t.same(bench.exporter.names, [['error 0', 'error 4', 'error 5']], 'and no error for one without')
  },
)

scenario(
  'an error takes the place of the oldest error where there are only errors',
  { maxQueueSize: 2 },
  async (t, bench) => {
    bench.end(3, { failed: true })
    await bench.tick(5000)
    t.same(bench.exporter.names, [['error 1', 'error 2']])
  },
)

scenario('the bytes of all that are kept have a bound', { maxBytes: '64KiB' }, async (t, bench) => {
  for (let n = 0; n < 100; n++) {
    bench.end(1, { bytes: n * 100 })
    t.ok(bench.stats.bytes <= 64 * KiB)
  }
  t.ok(bench.stats.bytes > 50 * KiB, 'and are used')
  const { dropped, kept } = bench.stats
  bench.end(1, { bytes: 64 * KiB })
  t.match(bench.stats, { dropped: dropped + 1, kept }, 'what can never fit takes the place of nobody')
})

scenario('a batch that hangs keeps its slot and its bytes, however long', {}, async (t, bench) => {
  bench.end(10)
  await bench.tick(5000)
  bench.end(10)
  const { bytes } = bench.stats
  await bench.tick(7 * 86_400_000)
  t.equal(bench.exporter.exports.length, 1)
  t.equal(bench.stats.bytes, bytes)
  await bench.over(SENT)
  await bench.tick(5000)
  t.equal(bench.exporter.exports.length, 2)
})

scenario(
  'the batch under way counts among those that are kept',
  { maxQueueSize: 4, maxExportBatchSize: 3 },
  async (t, bench) => {
    bench.end(3)
    await bench.tick(1)
    bench.end(5)
    t.match(bench.stats, { made: 8, dropped: 4, kept: 4 })
    await bench.over(FAILED)
    t.match(bench.stats, { made: 8, dropped: 4, kept: 4 }, 'so there is room when it comes back')
  },
)

scenario(
  'where all that is kept is under way, the newcomer is dropped',
  { maxQueueSize: 3 },
  async (t, bench) => {
    bench.end(3)
    await bench.tick(1)
    bench.end(1, { failed: true })
    t.match(bench.stats, { made: 4, dropped: 1, kept: 3 })
  },
)

scenario('a batch that failed goes back to where it stood', { maxExportBatchSize: 3 }, async (t, bench) => {
  bench.end(3)
  await bench.tick(1)
  bench.end(3, { failed: true })
  await bench.over(FAILED)
  t.equal(bench.kept, 6)
  await bench.tick(5000)
  t.same(bench.exporter.names.at(-1), ['error 3'])
  await bench.over(SENT)
  await bench.tick(1)
  t.same(bench.exporter.names.at(-1), ['error 4', 'error 5'])
  await bench.over(SENT)
  await bench.tick(1)
  t.same(bench.exporter.names.at(-1), ['0', '1', '2'])
})

scenario(
  'a collector that is away is probed by single spans, one in a schedule delay',
  {},
  async (t, bench) => {
    bench.end(300)
    await bench.tick(1)
    for (let probe = 1; probe <= 10; probe++) {
      await bench.over(FAILED)
      await bench.tick(2499)
      t.equal(bench.exporter.exports.length, probe, 'not sooner than half of it')
      await bench.tick(2501)
      t.equal(bench.exporter.exports.length, probe + 1, 'and within it')
      t.equal(bench.exporter.last.spans.length, 1)
    }
    const probes = bench.exporter.names.slice(1).flat()
    t.equal(new Set(probes).size, 10, 'each by another, since one may be at fault')
    t.equal(bench.kept, 300)
  },
)

scenario('behind a probe that succeeds all the others follow at once', {}, async (t, bench) => {
  bench.end(300)
  await bench.tick(1)
  await bench.over(FAILED)
  await bench.tick(5000)
  const sizes: number[] = []
  while (bench.kept > 45) {
    sizes.push(bench.exporter.last.spans.length)
    await bench.over(SENT)
    await bench.tick(1)
  }
  t.same(sizes, [1, 2, 4, 8, 16, 32, 64, 128])
})

scenario('probes are never closer than half a second', { scheduledDelayMillis: 0 }, async (t, bench) => {
  bench.end(1)
  await bench.tick(1)
  await bench.over(FAILED)
  await bench.tick(499)
  t.equal(bench.exporter.exports.length, 1)
  await bench.tick(501)
  t.equal(bench.exporter.exports.length, 2)
})

scenario(
  'an export that is overdue says that the collector is away',
  { maxConcurrentExports: 2, maxExportBatchSize: 2 },
  async (t, bench) => {
    bench.end(2)
    await bench.tick(1)
    await bench.tick(10_000)
    bench.end(4)
    await bench.tick(2499)
    t.equal(bench.exporter.exports.length, 1)
    await bench.tick(2501)
    t.same(bench.exporter.names.at(-1), ['2'], 'a probe in the other slot')
    bench.end(4)
    await bench.tick(60_000)
    t.equal(bench.exporter.exports.length, 2, 'and no more than there are slots')
  },
)

scenario(
  'several exports go at once where they may',
  { maxConcurrentExports: 2, maxExportBatchSize: 2 },
  async (t, bench) => {
    bench.end(6)
    await bench.tick(1)
    await bench.tick(1)
    await bench.tick(1)
    t.same(bench.exporter.names, [
      ['0', '1'],
      ['2', '3'],
    ])
    bench.exporter.exports[0]?.end(SENT)
    await bench.tick(0)
    await bench.tick(1)
    t.same(bench.exporter.names.at(-1), ['4', '5'])
  },
)

// And over gRPC: an invalid argument, permission denied.
for (const status of [400, 401, 404, 500, 3, 7]) {
  scenario(`what the collector answers with ${status} is not sent again`, {}, async (t, bench) => {
    bench.end(2)
    await bench.tick(5000)
    await bench.over(refusedWith(status))
    t.match(bench.stats, { made: 2, sent: 0, dropped: 2, kept: 0, bytes: 0 })
  })
}

// And over gRPC: deadline exceeded, resource exhausted, unavailable.
for (const status of [408, 429, 502, 503, 504, 4, 8, 14]) {
  scenario(`what the collector answers with ${status} is`, {}, async (t, bench) => {
    bench.end(2)
    await bench.tick(5000)
    await bench.over(refusedWith(status))
    t.match(bench.stats, { dropped: 0, kept: 2 })
  })
}

scenario(
  'what was too large at once goes in smaller batches, and alone is dropped',
  { maxExportBatchSize: 3 },
  async (t, bench) => {
    bench.end(3)
    await bench.tick(1)
    await bench.over(refusedWith(413))
    await bench.tick(1)
    t.same(bench.exporter.names.at(-1), ['0'], 'without delay')
    await bench.over(refusedWith(413))
    await bench.tick(1)
    t.match(bench.stats, { dropped: 1, kept: 2 })
    t.same(bench.exporter.names.at(-1), ['1'])
    await bench.over(SENT)
    await bench.tick(5000)
    t.same(bench.exporter.names.at(-1), ['2'])
  },
)

scenario(
  'an exporter that throws has failed, and one that calls back twice has called once',
  {},
  async (t, bench) => {
    bench.exporter.throws = new Error('no exporter')
    bench.end(2)
    await bench.tick(5000)
    t.match(bench.stats, { kept: 2 })
    bench.exporter.throws = undefined
    await bench.tick(5000)
    bench.exporter.last.end(SENT)
    await bench.over(SENT)
    await bench.over(FAILED)
    t.match(bench.stats, { made: 2, sent: 1, dropped: 0, kept: 1 })
  },
)

scenario(
  'forceFlush sends what has ended before, one batch after the other',
  { maxExportBatchSize: 2 },
  async (t, bench) => {
    bench.end(5)
    const flushed = outcomeOf(bench.processor.forceFlush())
    await bench.tick(0)
    t.equal(bench.exporter.exports.length, 1)
    bench.end(1)
    for (let n = 0; n < 3; n++) {
      t.equal(flushed(), undefined)
      await bench.over(SENT)
      await bench.tick(0)
    }
    t.same(flushed(), { value: undefined })
    t.same(bench.exporter.names, [
      ['0', '1'],
      ['2', '3'],
      ['4', '5'],
    ])
    t.equal(outcomeOf(bench.processor.forceFlush())(), undefined)
  },
)

scenario(
  'forceFlush waits for what is under way, and not for what ends later',
  { maxConcurrentExports: 2, maxExportBatchSize: 2 },
  async (t, bench) => {
    bench.end(2)
    await bench.tick(1)
    const flushed = outcomeOf(bench.processor.forceFlush())
    bench.end(2)
    await bench.tick(1)
    t.equal(bench.exporter.exports.length, 2)
    t.equal(flushed(), undefined)
    bench.exporter.exports[0]?.end(SENT)
    await bench.tick(0)
    t.same(flushed(), { value: undefined })
  },
)

scenario('forceFlush of nothing is over at once', {}, async (t, bench) => {
  await bench.processor.forceFlush()
  t.equal(bench.exporter.exports.length, 0)
  t.equal(bench.clock.pending, 0)
})

scenario('forceFlush says why it failed, and keeps the spans', {}, async (t, bench) => {
  bench.end(2)
  const flushed = outcomeOf(bench.processor.forceFlush())
  await bench.over(FAILED)
  t.same(flushed(), { error: FAILED.error })
  const silent = outcomeOf(bench.processor.forceFlush())
  t.same(bench.exporter.last.spans.length, 1, 'and while the collector is away it probes at once')
  await bench.over({ code: 1 })
  t.match(silent(), { error: { message: 'The export has failed' } })
  t.equal(bench.kept, 2)
})

scenario(
  'forceFlush has an end, and leaves nothing behind on what hangs',
  { exportTimeoutMillis: 1000 },
  async (t, bench) => {
    bench.end(2)
    await bench.tick(5000)
    bench.end(2)
    for (let n = 0; n < 3; n++) {
      const flushed = outcomeOf(bench.processor.forceFlush())
      await bench.tick(999)
      t.equal(flushed(), undefined)
      await bench.tick(1)
      t.match(flushed(), { error: { code: 'ERR_PLIMSOLL_FLUSH_TIMEOUT' } })
    }
    t.equal(bench.exporter.exports.length, 1)
    t.equal(bench.kept, 4)
  },
)

scenario('shutdown flushes, and shuts the exporter down', { maxExportBatchSize: 2 }, async (t, bench) => {
  bench.end(3)
  const down = outcomeOf(bench.processor.shutdown())
  bench.end(1)
  await bench.over(SENT)
  t.equal(bench.exporter.shutdowns, 0)
  await bench.over(SENT)
  t.same(down(), { value: undefined })
  t.equal(bench.exporter.shutdowns, 1)
  t.match(bench.stats, { made: 4, sent: 3, dropped: 1, kept: 0, bytes: 0 }, 'what ends later is dropped')
  t.equal(bench.clock.pending, 0)
  await bench.processor.shutdown()
  await bench.processor.forceFlush()
  t.equal(bench.exporter.shutdowns, 1)
})

scenario('shutdown drops what it can’t send', {}, async (t, bench) => {
  bench.end(3)
  const down = outcomeOf(bench.processor.shutdown())
  await bench.over(FAILED)
  t.same(down(), { value: undefined })
  t.match(bench.stats, { made: 3, sent: 0, dropped: 3, kept: 0, bytes: 0 })
  t.equal(bench.clock.pending, 0)
})

scenario('shutdown has an end; what hangs is kept until the exporter is done', {}, async (t, bench) => {
  let done = (): void => {}
  bench.exporter.onShutdown = () =>
    new Promise(resolve => {
      done = resolve
    })
  bench.end(256)
  await bench.tick(1)
  bench.end(3)
  const down = outcomeOf(bench.processor.shutdown())
  await bench.tick(9999)
  t.equal(down(), undefined)
  await bench.tick(1)
  await bench.tick(1)
  t.same(down(), { value: undefined })
  t.match(bench.stats, { made: 259, dropped: 3, kept: 256 })
  done()
  await bench.tick(0)
  await bench.tick(0)
  t.match(bench.stats, { made: 259, dropped: 259, kept: 0, bytes: 0 })
  await bench.over(SENT)
  t.match(bench.stats, { sent: 0, dropped: 259 }, 'what it says later counts no more')
})

scenario('what fails while the exporter is shut down is dropped', {}, async (t, bench) => {
  bench.exporter.onShutdown = () => new Promise(() => {})
  bench.end(256)
  await bench.tick(1)
  void bench.processor.shutdown()
  await bench.tick(10_000)
  await bench.over(FAILED)
  t.match(bench.stats, { made: 256, dropped: 256, kept: 0, bytes: 0 })
})

scenario('an exporter that can’t be shut down is shut down', {}, async (t, bench) => {
  bench.exporter.onShutdown = () => Promise.reject(new Error('no'))
  await bench.processor.shutdown()
  t.equal(bench.exporter.shutdowns, 1)
})

scenario('spans wait for what their resource finds out', {}, async (t, bench) => {
  const found: (() => void)[] = []
  const span = new SpanMaker().make('a')
  const resource = {
    asyncAttributesPending: true,
    waitForAsyncAttributes: () =>
      new Promise<void>((_, reject) => found.push(() => reject(new Error('no metadata')))),
  }
  bench.processor.onEnd(Object.assign(Object.create(span), { resource }))
  await bench.tick(5000)
  t.equal(bench.exporter.exports.length, 0)
  t.equal(bench.kept, 1)
  for (const find of found) find()
  await bench.tick(0)
  t.same(bench.exporter.names, [['a']], 'and go without, where it finds nothing')
})

scenario(
  'that spans are dropped is told once, and how many when it is over',
  { maxQueueSize: 2 },
  async (t, bench) => {
    const told: unknown[] = []
    const silent = (): void => {}
    const warn = (message: string): void => void told.push(message)
    diag.setLogger({ verbose: silent, debug: silent, info: silent, error: silent, warn }, DiagLogLevel.WARN)
    t.teardown(() => diag.disable())
    told.length = 0
    bench.end(5)
    t.same(told, ['plimsoll: spans are dropped'])
    await bench.tick(5000)
    await bench.over(SENT)
    t.same(told, ['plimsoll: spans are dropped', 'plimsoll: 3 spans were dropped'])
  },
)

t.test('it takes the place of a BatchSpanProcessor without any option', async t => {
  const exporter = new HeldExporter()
  const processor = new BoundedSpanProcessor(exporter)
  const provider = new BasicTracerProvider({ spanProcessors: [processor] })
  provider.getTracer('test').startSpan('span').end()
  const flushed = provider.forceFlush()
  exporter.last.end(SENT)
  await flushed
  t.match(processor.stats(), { made: 1, sent: 1 })
  await provider.shutdown()
  t.equal(exporter.shutdowns, 1)
})
