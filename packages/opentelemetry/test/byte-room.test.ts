import { ByteBudget, type Reservation } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { promisesSettled } from '../../core/test/fixtures/settled.ts'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import { FAILED, HeldExporter } from './fixtures/held-exporter.ts'
import { SpanMaker } from './fixtures/tracing.ts'

const KiB = 1024

function beside(t: Test, capacity: number) {
  const budget = new ByteBudget({ capacity })
  const exporter = new HeldExporter()
  const processor = new BoundedSpanProcessor(exporter, { budget, maxBytes: '64KiB' })
  const maker = new SpanMaker()
  t.teardown(async () => {
    budget.resize(Number.MAX_SAFE_INTEGER)
    await promisesSettled()
  })
  const end = (count: number, failed = false): void => {
    for (let n = 0; n < count; n++) processor.onEnd(maker.make('span', { text: 'x'.repeat(KiB) }, failed))
  }
  return { budget, exporter, processor, end }
}

t.test('what is kept is reserved, and given back once it is sent', async t => {
  const { budget, exporter, processor, end } = beside(t, 100 * KiB)
  end(3)
  t.equal(budget.reserved, processor.stats().bytes)
  t.ok(budget.reserved > 3 * KiB)
  const flushed = processor.forceFlush()
  exporter.last.end({ code: 0 })
  await flushed
  t.equal(budget.reserved, 0)
})

t.test('spans have no more than is free, and then the oldest make room for newer ones', async t => {
  const { budget, processor, end } = beside(t, 100 * KiB)
  const request = budget.tryAcquire(80 * KiB) as Reservation
  end(100)
  t.ok(budget.reserved <= 100 * KiB)
  t.ok(processor.stats().kept >= 9, 'all of it')
  t.equal(processor.stats().bytes, budget.reserved - request.bytes)
})

t.test('a request has at once what waiting spans hold, the oldest first and errors last', async t => {
  const { budget, processor, end } = beside(t, 40 * KiB)
  end(1, true)
  end(10)
  const { bytes, kept } = processor.stats()
  const request = await budget.acquire(40 * KiB - bytes + 5 * KiB)
  t.equal(budget.waiting, 0)
  t.ok(processor.stats().kept < kept)
  t.ok(processor.stats().bytes > bytes - 8 * KiB, 'and no more than it lacks')
  request.release()
  const all = await budget.acquire(40 * KiB)
  t.match(processor.stats(), { kept: 0, bytes: 0, dropped: 11 })
  end(1)
  t.match(processor.stats(), { kept: 0, dropped: 12 }, 'and where nothing is free nothing is kept')
  all.release()
})

t.test('while requests wait nothing is taken, and what comes back is dropped', async t => {
  const { budget, exporter, processor, end } = beside(t, 40 * KiB)
  end(2)
  processor.forceFlush().catch(() => {})
  const waits = budget.acquire(40 * KiB)
  t.equal(budget.waiting, 1, 'for what is under way')
  end(3)
  t.match(processor.stats(), { made: 5, kept: 2, dropped: 3 })
  exporter.last.end(FAILED)
  const request = await waits
  t.match(processor.stats(), { made: 5, kept: 0, dropped: 5 })
  request.release()
  end(1)
  t.equal(processor.stats().kept, 1)
})

t.test('while memory is short they have no more than newcomers', async t => {
  const { budget, processor, end } = beside(t, 100 * KiB)
  budget.tryAcquire(10 * KiB)
  budget.tighten(12 * KiB)
  end(10)
  t.ok(processor.stats().bytes <= 2 * KiB)
  t.equal(budget.reserved - 10 * KiB, processor.stats().bytes)
})

t.test('after the end nobody asks it for bytes', async t => {
  const { budget, exporter, processor, end } = beside(t, 40 * KiB)
  end(1)
  const down = processor.shutdown()
  exporter.last.end({ code: 0 })
  await down
  t.equal(budget.reserved, 0)
  t.ok(budget.tryAcquire(40 * KiB))
})
