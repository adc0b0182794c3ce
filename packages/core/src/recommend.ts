import { costOfRead } from './auto-cost.ts'
import { costOfBuffered } from './buffered-cost.ts'
import { mebibytes } from './byte-size.ts'
import type { Measure } from './measure.ts'
import { chooseBudget, type MemoryLimit } from './memory-limit.ts'
import type { Evidence, RecommendedBudget, RecommendedCost } from './report.ts'
import type { RouteMeasures } from './route-measures.ts'

/** What a recommendation is meant to cover, of all requests. */
const PERCENTILE = 99
/** A budget has room for so many of the largest requests: with fewer one that is slow holds up all others. */
const AT_ONCE = 4

/** The cost that a route should have. */
export function recommendCost(row: RouteMeasures): RecommendedCost {
  const { read, bufferedBytes } = row
  const { max } = bufferedBytes.spread()
  const body = read === undefined ? { fixed: 0, perByte: 0 } : costOfRead(read)
  const response = costOfBuffered(max)
  const parts = [
    ...(read === undefined ? [] : [bodyInWords(read, body.perByte)]),
    response === 0
      ? 'responses are hardly buffered'
      : `responses buffered up to ${mebibytes(max)}, and are mostly held twice`,
  ]
  return {
    cost: { fixed: body.fixed + response, perByte: body.perByte },
    evidence: evidenceOf(row.requests),
    because: parts.join('; '),
  }
}

function bodyInWords(read: string, perByte: number): string {
  return read === 'stream'
    ? 'bodies are streamed: a window of each is held'
    : `bodies are read as ${read}: ${perByte} times their length`
}

/** Bytes that nearly all requests of a route cost at most, at this cost. */
export function costOfMost({ cost }: RecommendedCost, { readBytes }: RouteMeasures): number {
  return Math.ceil(cost.fixed + cost.perByte * readBytes.spread().p99)
}

/** The budget that a server should have whose largest requests cost so much. */
export function recommendBudget(
  largestBytes: number,
  demand: Measure,
  limit: MemoryLimit,
  idleBytes: number,
): RecommendedBudget {
  const most = chooseBudget(limit, idleBytes)
  const { p99 } = demand.spread()
  const room = AT_ONCE * largestBytes
  const evidence = evidenceOf(demand.count)
  const wanted = Math.max(p99, room)
  // A budget of nothing would refuse the first body that comes.
  if (wanted === 0)
    return { bytes: most.bytes, evidence, because: `no request has cost anything yet; ${most.because}` }
  if (wanted >= most.bytes) return { bytes: most.bytes, evidence, because: most.because }
  const because =
    p99 > room
      ? `nearly always all requests together, those that waited too, asked for no more than ${mebibytes(p99)}`
      : `room for ${AT_ONCE} of the largest requests, which cost ${mebibytes(largestBytes)}`
  return {
    bytes: wanted,
    evidence,
    because: `${because}; the container has room for ${mebibytes(most.bytes)}`,
  }
}

/** The largest of n requests is above the percentile of all with this probability. */
function evidenceOf(requests: number): Evidence {
  return { requests, percentile: PERCENTILE, confidence: 1 - (PERCENTILE / 100) ** requests }
}
