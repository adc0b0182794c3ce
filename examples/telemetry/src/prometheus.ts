import { subscribe } from 'node:diagnostics_channel'
import { type AdmittedMessage, type Governor, memoryUse } from '@plimsoll/core'
import type { BoundedSpanProcessor } from '@plimsoll/opentelemetry'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** In seconds. */
const WAITS = [0.005, 0.05, 0.5, 1, 5, 10, 30]

/** The same figures by prom-client, under the names that OpenTelemetry's have in Prometheus: the dashboard shows either. */
export function prometheusOf(governor: Governor, spans: BoundedSpanProcessor): Registry {
  const registers = [new Registry()] as [Registry]
  const figures = (): Readonly<Record<string, number>> => figuresOf(governor, spans)
  for (const name of Object.keys(figures())) {
    // Asked for when somebody scrapes.
    const collect = function (this: Gauge | Counter): void {
      this.reset()
      this.inc(figures()[name] as number)
    }
    const settings = { name: `plimsoll_${name}`, help: name.replaceAll('_', ' '), registers, collect }
    if (name.endsWith('_total')) new Counter(settings)
    else new Gauge(settings)
  }
  new Counter({
    name: 'plimsoll_request_refused_total',
    help: 'requests refused, by the code of the error',
    labelNames: ['error_type'],
    registers,
    collect() {
      this.reset()
      for (const [code, count] of Object.entries(governor.stats().refused))
        this.inc({ error_type: code }, count)
    },
  })
  const waits = new Histogram({
    name: 'plimsoll_request_wait_time_seconds',
    help: 'how long requests waited for their bytes',
    labelNames: ['http_request_method', 'http_route'],
    buckets: WAITS,
    registers,
  })
  subscribe('plimsoll:admitted', message => {
    const { governor: of, route, waitedMs } = message as AdmittedMessage
    // A route is a method and a pattern, never a URL.
    const [http_request_method = '', http_route = ''] = route?.split(' ', 2) ?? []
    if (of === governor) waits.observe({ http_request_method, http_route }, waitedMs / 1000)
  })
  return registers[0]
}

function figuresOf(governor: Governor, spans: BoundedSpanProcessor): Readonly<Record<string, number>> {
  const stats = governor.stats()
  const { made, sent, dropped, kept, bytes } = spans.stats()
  const { usedBytes, limitBytes } = memoryUse().read()
  return {
    budget_capacity_bytes: stats.capacity,
    budget_ceiling_bytes: stats.ceiling,
    budget_reserved_bytes: stats.reserved,
    budget_available_bytes: stats.available,
    budget_debt_bytes: Math.max(0, stats.reserved - stats.capacity),
    budget_lent_bytes: stats.lent,
    request_active: stats.active,
    request_waiting: stats.waiting,
    request_admitted_total: stats.admitted,
    request_queued_total: stats.queued,
    memory_usage_bytes: usedBytes,
    memory_limit_bytes: limitBytes,
    memory_unreserved_bytes: Math.max(0, usedBytes - stats.reserved),
    span_ended_total: made,
    span_sent_total: sent,
    span_dropped_total: dropped,
    span_kept: kept,
    span_memory_bytes: bytes,
  }
}
