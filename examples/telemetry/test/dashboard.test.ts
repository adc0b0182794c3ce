import { readFile } from 'node:fs/promises'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { Governor } from '@plimsoll/core'
import { BoundedSpanProcessor, instrumentGovernor } from '@plimsoll/opentelemetry'
import t from 'tap'
import { prometheusOf } from '../src/prometheus.ts'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What a metric is called in Prometheus, by OpenTelemetry's specification for it. */
function inPrometheus(name: string, unit: string, isSum: boolean): string {
  const suffix = { By: '_bytes', s: '_seconds' }[unit] ?? ''
  return `${name.replaceAll('.', '_')}${suffix}${isSum ? '_total' : ''}`
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

const { panels } = JSON.parse(
  await readFile(new URL('../dashboard.json', import.meta.url), 'utf8'),
) as Dashboard
const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const asked = new Set(queries.flatMap(query => query.match(/plimsoll_\w+/g) ?? []))

function governorOf(): Governor {
  return new Governor({ budget: 1000, logger: { info() {}, warn() {}, error() {} } })
}

const spanProcessor = new BoundedSpanProcessor({ export() {}, async shutdown() {} })

t.test('each panel of the dashboard asks for something, by a query that is whole', async t => {
  t.ok(panels.length >= 10)
  for (const { title, targets } of panels) t.ok(targets.length > 0, title)
  for (const query of queries) {
    t.match(query, /plimsoll_/)
    for (const [open, close] of ['()', '{}', '[]'])
      t.equal(query.split(open as string).length, query.split(close as string).length, query)
    // All that figures are told apart by.
    for (const [, labels = ''] of query.matchAll(/by \((.*?)\)/g))
      for (const label of labels.split(', '))
        t.ok(['le', 'error_type', 'http_request_method', 'http_route'].includes(label), label)
  }
})

t.test('the dashboard asks for metrics that OpenTelemetry has', async t => {
  const reader = new Reader()
  const meterProvider = new MeterProvider({ readers: [reader] })
  t.teardown(instrumentGovernor(governorOf(), { meterProvider, spanProcessor }))
  const { resourceMetrics } = await reader.collect()
  const told = resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .map(({ descriptor, ...metric }) =>
      inPrometheus(descriptor.name, descriptor.unit, 'isMonotonic' in metric && metric.isMonotonic),
    )
  // These have no point before the first request.
  told.push('plimsoll_request_refused_total', 'plimsoll_request_wait_time_seconds_bucket')
  t.ok(asked.size > 15)
  for (const name of asked) t.ok(told.includes(name), name)
})

t.test('and for those that prom-client has', async t => {
  const text = await prometheusOf(governorOf(), spanProcessor).metrics()
  const told = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name)
  const missing = [...asked].filter(name => !told.includes(name.replace(/_bucket$/, '')))
  const onlyOpenTelemetry = ['oldest_reservation_seconds', 'held_after_response_bytes']
  t.same(
    missing,
    onlyOpenTelemetry.map(name => `plimsoll_budget_${name}`),
  )
})
