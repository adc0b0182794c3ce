import type { Evidence, GovernorReport, RouteReport } from '@plimsoll/core'
import { budgetSnippet, costSnippet } from './snippet.ts'
import { table, wrapped } from './table.ts'
import { confidence, count, counted, duration, size } from './wording.ts'

const HEADINGS = [
  'route',
  'requests',
  'body',
  'read',
  'reserved',
  'buffered',
  'held',
  'queued',
  'waited',
  'refused',
]

/**
 * A report as people read it, in the report's order: the most expensive routes first.
 *
 * @param most how many routes are shown
 */
export function reportText(report: GovernorReport, most: number): string {
  const routes = report.routes.slice(0, most)
  const left = report.routes.length - routes.length
  const parts = [summary(report)]
  if (routes.length > 0) {
    parts.push(
      `${table(
        HEADINGS,
        routes.map(route => cells(route)),
      )}${left > 0 ? `\n… and ${counted(left, 'route')} more: --routes ${report.routes.length}` : ''}`,
      wrapped('Sizes and times: 99 of 100 requests are at or below. Body: as declared.'),
      ...refusals(routes),
    )
  }
  return [...parts, recommendations(report, routes)].join('\n\n')
}

function summary({ at, forMs, mode, budget, demandBytes, memory, routes }: GovernorReport): string {
  const requests = routes.reduce((sum, route) => sum + route.requests, 0)
  const { limit, idleBytes, residentBytes } = memory
  const lines = [
    `${counted(requests, 'request')} on ${counted(routes.length, 'route')} in ${duration(forMs)}, until ${at}.`,
    `Memory: limit ${size(limit.bytes)} (${limit.source}), process ${size(idleBytes)} idle, ${size(residentBytes)} then.`,
    `Budget: ${size(budget)}. Asked for at once: ${size(demandBytes.p50)} half of the time, ` +
      `${size(demandBytes.p99)} or less 99 % of it, ${size(demandBytes.max)} at most.`,
  ]
  if (mode === 'observe') {
    lines.push(
      'Mode: observe. Nothing waited, nothing was refused: those columns are what would have been, at most. ' +
        'Clients that wait ask for nothing meanwhile, and who has fewer beside him is done sooner.',
    )
  }
  return lines.map(line => wrapped(line)).join('\n')
}

function cells(route: RouteReport): string[] {
  const { declaredBytes, readBytes, reservedBytes, bufferedBytes, heldMs, waitedMs } = route
  const refused = Object.values(route.refused).reduce((sum, times) => sum + times, 0)
  return [
    route.route,
    count(route.requests),
    ...[declaredBytes, readBytes, reservedBytes, bufferedBytes].map(({ p99 }) => or(p99, size)),
    or(heldMs.p99, duration),
    or(route.queued, count),
    or(waitedMs.p99, duration),
    or(refused, count),
  ]
}

/** What is there stands out among what isn't. */
function or(value: number, word: (value: number) => string): string {
  return value === 0 ? '-' : word(value)
}

function refusals(routes: readonly RouteReport[]): string[] {
  const lines = routes.flatMap(({ route, refused }) => {
    const codes = Object.entries(refused).filter(([, times]) => times > 0)
    return codes.length === 0
      ? []
      : wrapped(`${route}: ${codes.map(([code, times]) => `${count(times)} ${code}`).join(', ')}`, '  ')
  })
  return lines.length === 0 ? [] : [`Refused\n${lines.join('\n')}`]
}

/** Code with its reasons as comments, so that all of it can be pasted. */
function recommendations({ recommended }: GovernorReport, routes: readonly RouteReport[]): string {
  const one = (name: string, code: string, because: string, evidence: Evidence): string =>
    `  // ${name}\n${wrapped(`${sentence(because)} ${grounds(evidence)}`.trim(), '  //   ')}\n  ${code},`
  return [
    'Recommended',
    one(
      'options of the governor',
      budgetSnippet(recommended.bytes),
      recommended.because,
      recommended.evidence,
    ),
    ...routes
      // What costs nothing by itself needs no word.
      .filter(({ recommended: { cost } }) => cost.fixed > 0 || cost.perByte > 0)
      .map(({ route, recommended: { cost, because, evidence } }) =>
        one(route, costSnippet(cost), because, evidence),
      ),
  ].join('\n\n')
}

function grounds({ requests, percentile, confidence: probability }: Evidence): string {
  if (requests === 0) return 'No request was measured.'
  const covers = percentile === 100 ? 'all' : `${percentile} % of`
  return `Covers ${covers} requests: ${confidence(probability)}, from ${counted(requests, 'request')}.`
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
