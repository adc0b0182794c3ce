import type { GovernorReport, RouteReport } from '@plimsoll/core'
import { table } from './table.ts'

/** How much more became of the requests of a route than they asked for; each figure is for one request. */
export interface RouteAmplification {
  /** Method and pattern. */
  readonly route: string
  /** Requests that are over. */
  readonly requests: number
  /** Times that the handler was to run: 1, and more where something passes a point twice. */
  readonly runs: number
  /** Tasks that were begun by `fanOut`. */
  readonly tasks: number
  /** Bytes that were read from elsewhere, after decompression. */
  readonly readBytes: number
  /** Of those, bytes that were declared before they were read. */
  readonly declaredBytes: number
  /** Pieces of held work that went on after the client had left. */
  readonly outlived: number
  /** For how long they did, all together, in seconds. */
  readonly outlivedSeconds: number
  /**
   * The product: runs or tasks, whichever is more, since tasks are those of all runs; times bytes read for each that was
   * declared, if that is more than 1, and where any was declared.
   */
  readonly factor: number
}

/**
 * The routes whose requests did more than answer: ran twice, began tasks, read from elsewhere, outlived their clients. The
 * worst first. Of `governor.report()`.
 */
export function amplification({ routes }: Pick<GovernorReport, 'routes'>): RouteAmplification[] {
  return routes.flatMap(route => ofRoute(route)).sort((one, other) => other.factor - one.factor)
}

function ofRoute({ route, requests, work }: RouteReport): RouteAmplification[] {
  if (work === undefined || requests === 0) return []
  const { readBytes, declaredBytes } = work
  // Such as one that has but a deadline.
  if (work.runs <= requests && work.tasks + readBytes + work.outlived === 0) return []
  const [runs, tasks] = [work.runs / requests, work.tasks / requests]
  const readOverDeclared = declaredBytes === 0 ? 1 : Math.max(1, readBytes / declaredBytes)
  return [
    {
      route,
      requests,
      runs,
      tasks,
      readBytes: readBytes / requests,
      declaredBytes: declaredBytes / requests,
      outlived: work.outlived / requests,
      outlivedSeconds: work.outlivedMs / requests / 1000,
      factor: Math.max(runs, tasks) * readOverDeclared,
    },
  ]
}

const HEADINGS = ['route', 'requests', 'runs', 'tasks', 'read', 'declared', 'outlived', 'seconds', 'factor']

/** The same as text, a line for each route below the headings. */
export function amplificationTable(report: Pick<GovernorReport, 'routes'>): string {
  const rows = amplification(report).map(row => [
    row.route,
    String(row.requests),
    figure(row.runs),
    figure(row.tasks),
    kibibytes(row.readBytes),
    kibibytes(row.declaredBytes),
    figure(row.outlived),
    figure(row.outlivedSeconds),
    figure(row.factor),
  ])
  return table(HEADINGS, rows)
}

function figure(value: number): string {
  return value === 0 ? '-' : value.toFixed(value < 10 ? 2 : 0)
}

function kibibytes(bytes: number): string {
  return bytes === 0 ? '-' : `${(bytes / 1024).toFixed(1)} KiB`
}
