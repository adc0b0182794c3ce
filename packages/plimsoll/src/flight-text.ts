import type { FlightSample } from '@plimsoll/core'
import { table, wrapped } from './table.ts'
import { count, counted, size } from './wording.ts'

const HEADINGS = [
  'time (UTC)',
  'used',
  'limit',
  'resident',
  'heap',
  'external',
  'reserved',
  'lent',
  'waiting',
  'active',
  'refused',
]

/** What was used of the limit when it is likely that the kernel killed, and when it can't be left out. */
const FULL = 0.97
const NEAR = 0.9

/**
 * The end of a flight as people read it: what was, then a line for each second.
 *
 * @param samples at least one, oldest first
 */
export function flightText(samples: readonly FlightSample[]): string {
  const end = samples.at(-1) as FlightSample
  const lines = eachSecond(samples)
  return [
    summary(end, samples),
    table(
      HEADINGS,
      lines.map((sample, n) => cells(sample, lines[n - 1])),
    ),
    wrapped('Used: what the container could not give back. Refused: since the line before.'),
  ].join('\n\n')
}

function summary(end: FlightSample, samples: readonly FlightSample[]): string {
  const { at, capacity, ceiling, reserved, lent, waiting, active, usedBytes, limitBytes } = end
  const most = samples.reduce((most, sample) => (sample.usedBytes > most.usedBytes ? sample : most))
  const lines = [
    `At ${new Date(at).toISOString()}, at the end: reserved ${size(reserved)} of ${size(capacity)}, ` +
      `${counted(waiting, 'request')} waiting, ${count(active)} active; really used ${size(usedBytes)} of ` +
      `${size(limitBytes)}, ${nearness(usedBytes, limitBytes)}`,
    `Most was used at ${time(most.at)}: ${size(most.usedBytes)} (${percent(most.usedBytes, limitBytes)}).`,
  ]
  if (ceiling < capacity) {
    lines.push(`The valve was shut: newcomers could fill no more than ${size(ceiling)} of the budget.`)
  }
  if (lent > 0) lines.push(`Of what slow clients had been promised, ${size(lent)} was lent to others.`)
  return lines.map(line => wrapped(line)).join('\n')
}

/** A sample is a second old at most; within that a container fills. */
function nearness(usedBytes: number, limitBytes: number): string {
  const part = usedBytes / limitBytes
  const left = `${percent(usedBytes, limitBytes)}: ${size(Math.max(0, limitBytes - usedBytes))} below the limit`
  if (part >= FULL) return `${left}. That is where the kernel kills.`
  if (part >= NEAR) return `${left}, which is near enough for the next burst to be the last.`
  return `${left}. If it was killed for memory, that grew after the last sample.`
}

/** The last sample of each second, since a recorder may take many. */
function eachSecond(samples: readonly FlightSample[]): FlightSample[] {
  const bySecond = new Map(samples.map(sample => [Math.floor(sample.at / 1000), sample]))
  return [...bySecond.values()]
}

function cells(sample: FlightSample, before: FlightSample | undefined): string[] {
  const { usedBytes, limitBytes, residentBytes, heapUsedBytes, externalBytes } = sample
  const { reserved, lent, waiting, active, refused } = sample
  return [
    time(sample.at),
    size(usedBytes),
    percent(usedBytes, limitBytes),
    ...[residentBytes, heapUsedBytes, externalBytes, reserved, lent].map(bytes => size(bytes)),
    count(waiting),
    count(active),
    before === undefined ? '' : count(refused - before.refused),
  ]
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`
}

function time(at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}
