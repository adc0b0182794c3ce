import type { Tally } from '../flood/load/outcome.ts'
import { latency, mebibytes } from '../flood/wording.ts'
import { median, percentile } from '../statistics.ts'
import type { FairnessResult } from './fairness-result.ts'
import type { FloodTally } from './load/protocol.ts'
import type { Honest, Scenario } from './scenarios.ts'

/** Something that was asked, and what came. */
export interface Asked {
  readonly text: string
  readonly met: boolean
}

/** What a scenario asks of a server, as it was in one run. */
export function asked(scenario: Scenario, { load, ending, peakBytes, cage }: FairnessResult): Asked[] {
  const most = scenario.peakBytes ?? cage.limitBytes
  return [
    ...scenario.honest.flatMap((honest, index) => askedOf(honest, load.honest[index] as Tally)),
    ...askedOfFlood(scenario, load.flood),
    { text: `peak ${mebibytes(peakBytes)} of at most ${mebibytes(most)}`, met: peakBytes <= most },
    { text: `the server's end: ${ending.kind}`, met: ending.kind === 'alive' },
  ]
}

function askedOf({ name, asks }: Honest, tally: Tally): Asked[] {
  const least = asks.served ?? tally.requests
  const { answered, latenciesMs } = tally
  const found: Asked[] = [
    {
      text: `${name}: ${answered} of ${tally.requests}${asks.served ? `, at least ${least}` : ''}`,
      met: answered > 0 && answered >= least,
    },
  ]
  if (asks.p99Ms !== undefined) found.push(atMost(`${name}: p99`, percentile(latenciesMs, 99), asks.p99Ms))
  if (asks.eachMs !== undefined) {
    found.push(atMost(`${name}: slowest`, percentile(latenciesMs, 100), asks.eachMs))
  }
  if (asks.othersRefused) {
    const neither = tally.requests - answered - refused(tally)
    found.push({ text: `${name}: ${neither} neither served nor refused`, met: neither === 0 })
  }
  return found
}

/** How many were told to come back later: no others have these statuses, see `exchange`. */
export function refused({ byStatus }: Tally): number {
  return (byStatus['503'] ?? 0) + (byStatus['429'] ?? 0)
}

function atMost(what: string, ms: number, mostMs: number): Asked {
  const measured = Number.isNaN(ms) ? 'none' : latency(ms)
  return { text: `${what} ${measured} of at most ${latency(mostMs)}`, met: ms <= mostMs }
}

function askedOfFlood({ flood }: Scenario, measured: FloodTally | undefined): Asked[] {
  if (flood?.asksRatio === undefined || measured === undefined) return []
  const ratio = throughputRatio(measured)
  return [
    {
      text: `uploads keep ${ratio.toFixed(2)} of their throughput, at least ${flood.asksRatio}`,
      met: ratio >= flood.asksRatio,
    },
  ]
}

/** Throughput with small requests beside it over that without, medians. NaN where there was only one of them. */
export function throughputRatio({ withRequests, withoutRequests }: FloodTally): number {
  return median(withRequests) / median(withoutRequests)
}
