import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api'
import type { GovernorStats, MemoryReading } from '@plimsoll/core'
import type { SpanStats } from './bounded-span-processor.ts'
import type { OpenRequests } from './open-requests.ts'

/** Seconds. */
const WAIT_BOUNDARIES = [0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** All of them, by the names they have. */
export function governorInstruments(meter: Meter) {
  const bytes = (name: string, description: string) =>
    meter.createObservableGauge(`plimsoll.${name}`, { unit: 'By', description })
  const requests = (name: string, description: string) =>
    meter.createObservableGauge(`plimsoll.${name}`, { unit: '{request}', description })
  const count = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(`plimsoll.${name}`, { unit, description })
  const seconds = { unit: 's', description: 'Age of the oldest reservation' }
  return {
    waitTime: meter.createHistogram('plimsoll.request.wait_time', {
      unit: 's',
      description: 'How long requests waited for their bytes, those that did not wait included',
      advice: { explicitBucketBoundaries: WAIT_BOUNDARIES },
    }),
    observed: {
      capacity: bytes('budget.capacity', 'Bytes that may be reserved at once'),
      ceiling: bytes('budget.ceiling', 'Bytes that newcomers may fill: fewer while memory is short'),
      reserved: bytes('budget.reserved', 'Bytes reserved'),
      departed: bytes('budget.departed', 'Bytes of responses that are over, which the kernel still has'),
      leftOver: bytes('budget.left_over', 'Bytes that handlers go on with for clients that have gone'),
      available: bytes('budget.available', 'Bytes free'),
      debt: bytes('budget.debt', 'Bytes reserved beyond the capacity'),
      lent: bytes('budget.lent', 'Bytes that slow clients were promised, lent to others'),
      heldAfterResponse: bytes('budget.held_after_response', 'Bytes of requests whose response is over'),
      oldest: meter.createObservableGauge('plimsoll.budget.oldest_reservation', seconds),
      waiting: requests('request.waiting', 'Requests that wait for their bytes'),
      active: requests('request.active', 'Requests admitted and not released'),
      admitted: count('request.admitted', '{request}', 'Requests admitted'),
      queued: count('request.queued', '{request}', 'Requests that had to wait'),
      refused: count('request.refused', '{request}', 'Requests refused, by the code of the error'),
      used: bytes('memory.usage', 'Bytes that the container cannot give back'),
      limit: bytes('memory.limit', 'Bytes that the container may have'),
      unreserved: bytes('memory.unreserved', 'Bytes of memory in use beyond those reserved'),
    },
    spans: {
      ended: count('span.ended', '{span}', 'Sampled spans that have ended'),
      sent: count('span.sent', '{span}', 'Spans that the collector has taken'),
      dropped: count('span.dropped', '{span}', 'Spans that were dropped'),
      kept: meter.createObservableGauge('plimsoll.span.kept', {
        unit: '{span}',
        description: 'Spans that wait or are under way',
      }),
      bytes: bytes('span.memory', 'Bytes of spans that wait or are under way'),
    },
  }
}

type Instruments = ReturnType<typeof governorInstruments>

export function observeGovernor(
  result: BatchObservableResult,
  instruments: Instruments['observed'],
  stats: GovernorStats,
  open: Pick<OpenRequests, 'oldestAgeSeconds' | 'bytesAfterResponse'>,
  { usedBytes, limitBytes }: MemoryReading,
  attributes: Attributes,
): void {
  const { capacity, reserved } = stats
  for (const name of [
    'capacity',
    'ceiling',
    'reserved',
    'departed',
    'leftOver',
    'available',
    'lent',
  ] as const)
    result.observe(instruments[name], stats[name], attributes)
  for (const name of ['waiting', 'active', 'admitted', 'queued'] as const)
    result.observe(instruments[name], stats[name], attributes)
  for (const [code, count] of Object.entries(stats.refused))
    result.observe(instruments.refused, count, { ...attributes, 'error.type': code })
  result.observe(instruments.debt, Math.max(0, reserved - capacity), attributes)
  result.observe(instruments.heldAfterResponse, open.bytesAfterResponse, attributes)
  result.observe(instruments.oldest, open.oldestAgeSeconds, attributes)
  result.observe(instruments.used, usedBytes, attributes)
  result.observe(instruments.limit, limitBytes, attributes)
  result.observe(instruments.unreserved, Math.max(0, usedBytes - reserved), attributes)
}

export function observeSpans(
  result: BatchObservableResult,
  instruments: Instruments['spans'],
  { made, sent, dropped, kept, bytes }: SpanStats,
  attributes: Attributes,
): void {
  result.observe(instruments.ended, made, attributes)
  result.observe(instruments.sent, sent, attributes)
  result.observe(instruments.dropped, dropped, attributes)
  result.observe(instruments.kept, kept, attributes)
  result.observe(instruments.bytes, bytes, attributes)
}
