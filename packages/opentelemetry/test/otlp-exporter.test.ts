import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import t, { type Test } from 'tap'
import { Collector, type CollectorMode } from '../../../examples/telemetry/src/collector.ts'
import { until } from '../../core/test/fixtures/until.ts'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import type { BoundedSpanProcessorOptions } from '../src/processor-options.ts'
import { tracerFor } from './fixtures/tracing.ts'

/** The real exporter and a collector on a real port. The exporter has its own time-out, after which it calls back. */
async function connected(t: Test, options: BoundedSpanProcessorOptions = {}) {
  const collector = await Collector.start()
  t.teardown(() => collector.close())
  const exporter = new OTLPTraceExporter({ url: collector.url, timeoutMillis: 300 })
  const processor = new BoundedSpanProcessor(exporter, {
    scheduledDelayMillis: 1000,
    exportTimeoutMillis: 3000,
    ...options,
  })
  const tracer = tracerFor(processor)
  const end = (count: number, bytes = 10): void => {
    for (let n = 0; n < count; n++)
      tracer.startSpan('span', { attributes: { text: 'x'.repeat(bytes) } }).end()
  }
  return { collector, processor, end }
}

const sums = ({ processor }: { processor: BoundedSpanProcessor }): boolean => {
  const { made, sent, dropped, kept } = processor.stats()
  return made === sent + dropped + kept
}

t.test('spans arrive at a collector', async t => {
  const { collector, processor, end } = await connected(t)
  end(700)
  await processor.forceFlush()
  t.equal(collector.spans, 700)
  t.match(processor.stats(), { made: 700, sent: 700, dropped: 0, kept: 0, bytes: 0 })
  await processor.shutdown()
})

for (const mode of ['hang', 'unavailable', 'too many', 'reset'] as const satisfies readonly CollectorMode[]) {
  t.test(`all that is kept arrives once a collector is back: ${mode}`, async t => {
    const connection = await connected(t)
    const { collector, processor, end } = connection
    collector.mode = mode
    // Longer than the exporter would wait for it: it is told, and the value is lost on its way to us.
    if (mode === 'unavailable') collector.retryAfter = 3600
    end(600)
    await t.rejects(processor.forceFlush())
    t.match(processor.stats(), { sent: 0, dropped: 0, kept: 600 })
    t.ok(sums(connection))
    collector.mode = 'answer'
    collector.cutAll()
    await until(
      () => collector.spans >= 600 - 256,
      () => JSON.stringify(processor.stats()),
    )
    await processor.shutdown()
    t.match(processor.stats(), { made: 600, sent: 600, dropped: 0, kept: 0, bytes: 0 })
    // What hung may have been taken before it was cut.
    t.ok(collector.spans >= 600)
  })
}

t.test('a collector that trickles holds one batch, and no more', async t => {
  const connection = await connected(t, { exportTimeoutMillis: 500, maxBytes: '256KiB' })
  const { collector, processor, end } = connection
  collector.mode = 'trickle'
  end(300)
  await until(() => collector.exports === 1, 'the export')
  await t.rejects(processor.forceFlush(), { code: 'ERR_PLIMSOLL_FLUSH_TIMEOUT' })
  end(2000)
  t.equal(collector.exports, 1, 'no time-out of anybody has ended it')
  t.ok(processor.stats().bytes <= 256 * 1024)
  t.ok(sums(connection))
  await processor.shutdown()
  const { kept } = processor.stats()
  t.ok(kept > 0 && kept <= 256, 'the exporter has it still')
  collector.cutAll()
  await until(() => processor.stats().kept === 0, 'the end of it')
  t.ok(sums(connection))
  t.equal(processor.stats().bytes, 0)
})

t.test('what the collector finds too large arrives in smaller batches', async t => {
  const { collector, processor, end } = await connected(t)
  collector.mode = 'too large'
  collector.largest = 20_000
  end(100, 500)
  end(1, 30_000)
  await until(
    () => processor.stats().kept === 0,
    () => JSON.stringify(processor.stats()),
  )
  t.match(processor.stats(), { made: 101, sent: 100, dropped: 1 })
  await processor.shutdown()
})
