import type { Measure } from './measure.ts'
import { memoryLimit } from './memory-limit.ts'
import type { Mode } from './mode.ts'
import { costOfMost, recommendBudget, recommendCost } from './recommend.ts'
import type { GovernorReport, RouteReport } from './report.ts'
import type { RouteMeasures } from './route-measures.ts'
import { partOf } from './worker-share.ts'
import { workers } from './workers.ts'

/** What a governor knows of itself. */
export interface Reported {
  readonly sinceMs: number
  readonly mode: Mode
  readonly budget: number
  readonly demand: Measure
  readonly idleBytes: number
  readonly rows: readonly RouteMeasures[]
}

/** The report of a governor, those routes first whose requests cost most. */
export function governorReport({ sinceMs, mode, budget, demand, idleBytes, rows }: Reported): GovernorReport {
  const limit = memoryLimit()
  const routes = rows
    .map(row => {
      const recommended = recommendCost(row)
      return { mostBytes: costOfMost(recommended, row), report: routeReport(row, recommended) }
    })
    .sort((one, other) => other.mostBytes - one.mostBytes)
  return {
    at: new Date().toISOString(),
    forMs: Math.round(performance.now() - sinceMs),
    mode,
    budget,
    demandBytes: demand.spread(),
    memory: { limit, idleBytes, residentBytes: process.memoryUsage.rss() },
    routes: routes.map(({ report }) => report),
    recommended: recommendBudget(
      routes[0]?.mostBytes ?? 0,
      demand,
      partOf(limit, workers()?.count() ?? 1),
      idleBytes,
    ),
  }
}

function routeReport(row: RouteMeasures, recommended: RouteReport['recommended']): RouteReport {
  const { route, requests, queued, refused, work } = row
  return {
    route,
    requests,
    declaredBytes: row.declaredBytes.spread(),
    readBytes: row.readBytes.spread(),
    reservedBytes: row.reservedBytes.spread(),
    bufferedBytes: row.bufferedBytes.spread(),
    heldMs: row.heldMs.spread(),
    queued,
    waitedMs: row.waitedMs.spread(),
    refused: { ...refused },
    ...(work && { work: work.report(requests) }),
    recommended,
  }
}
