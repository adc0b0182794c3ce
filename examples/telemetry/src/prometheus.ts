import type { Governor } from '@plimsoll/core'
import type { BoundedSpanProcessor } from '@plimsoll/opentelemetry'
import { Counter, Gauge, Registry } from 'prom-client'

/** The same figures for Prometheus, by prom-client: asked for when somebody scrapes. */
export function prometheusOf(governor: Governor, spans: BoundedSpanProcessor): Registry {
  const registers = [new Registry()] as [Registry]
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  for (const name of ['capacity', 'ceiling', 'reserved', 'available', 'lent', 'active', 'waiting'] as const)
    gauge(`plimsoll_${name}`, `${name}, as in governor.stats()`, () => governor.stats()[name])
  for (const name of ['kept', 'bytes'] as const)
    gauge(`plimsoll_spans_${name}`, `${name} of spans`, () => spans.stats()[name])
  const counter = (name: string, labelNames: string[], values: () => Record<string, number>) =>
    new Counter({
      name,
      help: name,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const [label, value] of Object.entries(values()))
          this.inc(labelNames[0] === undefined ? {} : { [labelNames[0]]: label }, value)
      },
    })
  counter('plimsoll_admitted_total', [], () => ({ all: governor.stats().admitted }))
  counter('plimsoll_refused_total', ['code'], () => ({ ...governor.stats().refused }))
  counter('plimsoll_spans_total', ['became'], () => ({
    sent: spans.stats().sent,
    dropped: spans.stats().dropped,
  }))
  return registers[0]
}
