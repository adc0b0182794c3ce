import { readFile } from 'node:fs/promises'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { Governor } from '@plimsoll/core'
import { BoundedSpanProcessor, instrumentGovernor } from '@plimsoll/opentelemetry'
import t from 'tap'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What a metric is called in Prometheus, by OpenTelemetry's specification for it. */
function inPrometheus(name: string, unit: string, isSum: boolean): string {
  const suffix = { By: '_bytes', s: '_seconds' }[unit] ?? ''
  return `${name.replaceAll('.', '_')}${suffix}${isSum ? '_total' : ''}`
}

t.test('the dashboard asks for metrics that there are', async t => {
  const reader = new Reader()
  const governor = new Governor({ budget: 1000, logger: { info() {}, warn() {}, error() {} } })
  const spanProcessor = new BoundedSpanProcessor({ export() {}, async shutdown() {} })
  const meterProvider = new MeterProvider({ readers: [reader] })
  t.teardown(instrumentGovernor(governor, { meterProvider, spanProcessor }))
  const { resourceMetrics } = await reader.collect()
  const told = resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .map(({ descriptor, ...metric }) =>
      inPrometheus(descriptor.name, descriptor.unit, 'isMonotonic' in metric && metric.isMonotonic),
    )
  // These have no point before the first request.
  told.push('plimsoll_request_refused_total', 'plimsoll_request_wait_time_seconds_bucket')
  const text = await readFile(new URL('../dashboard.json', import.meta.url), 'utf8')
  const asked = new Set(text.match(/plimsoll_\w+/g))
  t.ok(asked.size > 15)
  for (const name of asked) t.ok(told.includes(name), name)
})
