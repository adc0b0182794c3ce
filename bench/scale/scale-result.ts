import type { MemoryReading } from '../cage/cage.ts'
import { passedLimit, type Survival } from '../flood/flood-result.ts'
import type { Machine } from '../machine.ts'
import { median, percentile } from '../statistics.ts'
import type { Contender } from './contenders.ts'
import type { Arrival } from './open-loop.ts'

/** Until so long after the first arrival a server is not yet as full as it becomes. */
const SETTLED_AFTER = 1 / 4

/** What became of the requests that came once the load had settled. */
export interface Became {
  readonly arrived: number
  readonly answered: number
  /** Told to come back: 503 or 429 with Retry-After, or HAProxy's 503, which has none. */
  readonly refused: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Answers a second. */
  readonly goodput: number
  /** Of those answered; undefined where none was. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

/** One contender at one offered load, once. */
export interface CellResult extends Survival, Became {
  readonly contender: Contender
  /** The capacity. */
  readonly times: number
  readonly run: number
  readonly offeredPerSecond: number
  readonly peakOf: MemoryReading | undefined
}

/** A run of the bench as scale.json keeps it; table and picture are made from this alone. */
export interface ScaleRun {
  readonly measuredAt: string
  readonly machine: Machine
  /** Requests a second of a server with nothing in front and all the memory it wants, 8 at once. */
  readonly capacity: number
  readonly seconds: number
  readonly maxconn: number
  readonly cells: readonly CellResult[]
}

export function whatBecame(arrivals: readonly Arrival[], seconds: number): Became {
  const from = seconds * SETTLED_AFTER * 1_000
  const settled = arrivals.filter(({ atMs }) => atMs >= from)
  const endsIn = ({ atMs, latencyMs }: Arrival): boolean =>
    atMs + latencyMs >= from && atMs + latencyMs < seconds * 1_000
  const answered = settled.filter(arrival => arrival.answered)
  const latencies = answered.map(({ latencyMs }) => latencyMs)
  const byStatus: Record<string, number> = {}
  for (const { status } of settled) byStatus[status] = (byStatus[status] ?? 0) + 1
  return {
    arrived: settled.length,
    answered: answered.length,
    refused: settled.filter(({ status }) => /^(503|429)\b/.test(status)).length,
    byStatus,
    // By when they end: who came before may end now, and who comes now later.
    goodput:
      (arrivals.filter(arrival => arrival.answered && endsIn(arrival)).length / (seconds * 1_000 - from)) *
      1_000,
    p50Ms: latencies.length > 0 ? percentile(latencies, 50) : undefined,
    p99Ms: latencies.length > 0 ? percentile(latencies, 99) : undefined,
  }
}

/** All runs of one contender at one offered load. */
export interface Point {
  readonly times: number
  readonly runs: readonly CellResult[]
  /** All lived, within the limit: v1 counts sockets apart, and would let them live beyond. */
  readonly lived: boolean
  readonly goodput: number
  /** Undefined where nobody was answered in any. */
  readonly p99Ms: number | undefined
  readonly peakBytes: number
}

export function pointsOf({ cells }: ScaleRun, contender: Contender): Point[] {
  const own = cells.filter(cell => cell.contender === contender)
  const loads = [...new Set(own.map(({ times }) => times))].sort((a, b) => a - b)
  return loads.map(times => {
    const runs = own.filter(cell => cell.times === times)
    const p99s = runs.flatMap(({ p99Ms }) => p99Ms ?? [])
    return {
      times,
      runs,
      lived: runs.every(lived),
      goodput: median(runs.map(({ goodput }) => goodput)),
      p99Ms: p99s.length > 0 ? median(p99s) : undefined,
      peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
    }
  })
}

export function lived(cell: CellResult): boolean {
  return cell.ending.kind === 'alive' && !passedLimit(cell)
}

/** What is left of the highest goodput at the highest load: 1 is flat. */
export function kept(points: readonly Point[]): number {
  return (points.at(-1)?.goodput ?? Number.NaN) / Math.max(...points.map(({ goodput }) => goodput))
}
