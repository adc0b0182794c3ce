import { DiagLogLevel, diag } from '@opentelemetry/api'
import { ByteBudget } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import { exporterAndOptions, resolveProcessorOptions } from '../src/processor-options.ts'
import { HeldExporter } from './fixtures/held-exporter.ts'

function warnings(t: Test): string[] {
  const told: string[] = []
  const silent = (): void => {}
  const warn = (message: string): void => void told.push(message)
  diag.setLogger({ verbose: silent, debug: silent, info: silent, error: silent, warn }, DiagLogLevel.WARN)
  t.teardown(() => diag.disable())
  return told
}

function setEnvironment(t: Test, variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
  })
}

t.test('the defaults fit a small container', async t => {
  t.same(resolveProcessorOptions({}), {
    maxBytes: 4 * 2 ** 20,
    budget: undefined,
    maxConcurrentExports: 1,
    maxQueueSize: 1024,
    maxExportBatchSize: 256,
    scheduledDelayMillis: 5000,
    exportTimeoutMillis: 10_000,
  })
})

t.test('the environment sets what code does not', async t => {
  setEnvironment(t, {
    OTEL_BSP_MAX_QUEUE_SIZE: '2048',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '512',
    OTEL_BSP_SCHEDULE_DELAY: ' 1000 ',
    OTEL_BSP_EXPORT_TIMEOUT: '',
  })
  t.match(resolveProcessorOptions({ maxExportBatchSize: 100 }), {
    maxQueueSize: 2048,
    maxExportBatchSize: 100,
    scheduledDelayMillis: 1000,
    exportTimeoutMillis: 10_000,
  })
})

t.test('what is wrong in the environment is told, and left aside', async t => {
  const told = warnings(t)
  setEnvironment(t, { OTEL_BSP_MAX_QUEUE_SIZE: 'many', OTEL_BSP_EXPORT_TIMEOUT: '0' })
  t.match(resolveProcessorOptions({}), { maxQueueSize: 1024, exportTimeoutMillis: 10_000 })
  t.match(
    told.filter(message => !message.startsWith('Current logger')),
    [
      /^OTEL_BSP_MAX_QUEUE_SIZE must be .* got NaN; 1024 is used$/,
      /^OTEL_BSP_EXPORT_TIMEOUT must be .* 10000 is used$/,
    ],
  )
})

t.test('a batch is no larger than the queue', async t => {
  t.equal(resolveProcessorOptions({ maxQueueSize: 10 }).maxExportBatchSize, 10)
})

t.test('what is wrong in code throws, and names the option', async t => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    maxBytes: [0, '63KiB', 'lots', Number.NaN, -1],
    budget: [64, null, {}],
    maxConcurrentExports: [0, 31, 1.5, '1'],
    maxQueueSize: [0, -1, Number.NaN, '10', 2 ** 20 + 1],
    maxExportBatchSize: [0, Number.POSITIVE_INFINITY],
    scheduledDelayMillis: [-1, 2 ** 31],
    exportTimeoutMillis: [0, 2 ** 31],
    maxQueueSzie: [1],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      t.throws(() => resolveProcessorOptions({ [name]: value } as object), {
        code: 'ERR_PLIMSOLL_OPTION',
        message: new RegExp(name),
      })
    }
  }
  t.throws(() => resolveProcessorOptions(null as never), { code: 'ERR_PLIMSOLL_OPTION' })
})

t.test('a budget is one', async t => {
  const budget = new ByteBudget({ capacity: 1 })
  t.equal(resolveProcessorOptions({ budget }).budget, budget)
})

t.test(
  'an exporter is given as BatchSpanProcessor has it: first in 2.x, among the options in 3.x',
  async t => {
    const exporter = new HeldExporter()
    t.strictSame(exporterAndOptions(exporter, { maxQueueSize: 1 }), [exporter, { maxQueueSize: 1 }])
    t.strictSame(exporterAndOptions({ exporter, maxQueueSize: 1 }, {}), [exporter, { maxQueueSize: 1 }])
    // As exporters do that wrap another.
    const wrapped = Object.assign(new HeldExporter(), { exporter })
    t.equal(exporterAndOptions(wrapped, {})[0], wrapped)
  },
)

t.test('without an exporter there is no processor', async t => {
  for (const wrong of [undefined, null, {}, { exporter: {} }, 'console', { maxQueueSize: 1 }])
    t.throws(() => new BoundedSpanProcessor(wrong as never), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^exporter must be a SpanExporter/,
    })
  const exporter = new HeldExporter()
  t.throws(() => new BoundedSpanProcessor({ exporter, maxQueueSzie: 1 } as never), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: /maxQueueSzie/,
  })
})
