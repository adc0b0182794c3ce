import type { GovernedRequest } from './governed-request.ts'
import { governorReport } from './governor-report.ts'
import { Measure } from './measure.ts'
import type { Mode } from './mode.ts'
import type { GovernorReport } from './report.ts'
import type { RouteMeasures } from './route-measures.ts'
import { Routes } from './routes.ts'

/** What a governor's requests were like: of each route, and how much all of them together asked for. */
export class Traffic {
  readonly routes: Routes
  readonly #demand = new Measure()
  #demanded = 0
  readonly #idleBytes = process.memoryUsage.rss()
  readonly #since = performance.now()

  /** @param guess what a response costs of which nothing is known */
  constructor(guess: number) {
    this.routes = new Routes(guess)
  }

  /**
   * One is admitted. What is only guessed for its response is no evidence of what is asked for.
   *
   * @param waiting how many wait now, who will want about as much
   */
  admitted(request: GovernedRequest, waiting: number): void {
    const { price, row } = request
    if (row?.samples !== false) request.admittedAt = performance.now()
    if (price.bytes === 0) return
    request.guess = row?.guesses === false ? 0 : (price.response ?? 0)
    request.demand = price.bytes - request.guess
    this.#demanded += request.demand
    this.#demand.record(this.#demanded + waiting * request.demand)
  }

  /**
   * One is over.
   *
   * @returns the row of its route
   */
  released(request: GovernedRequest): RouteMeasures | undefined {
    this.#demanded -= request.demand
    const row = this.#rowOf(request)
    row?.over(request.peakBuffered, request.res.statusCode >= 400)
    if (request.work !== undefined) row?.worked(request.work)
    if (request.admittedAt > 0) row?.measure(request.measured())
    return row
  }

  /**
   * One that is under way has nothing in its buffers: an event stream or a long poll, that would teach so only hours later.
   *
   * @returns the row of its route
   */
  streams(request: GovernedRequest): RouteMeasures | undefined {
    const row = this.#rowOf(request)
    row?.buffersNothing()
    return row
  }

  /** Made where its route is answered for the first time. What there is not, is none: clients may ask for anything. */
  #rowOf({ row, req, res, route }: GovernedRequest): RouteMeasures | undefined {
    if (row !== undefined) return row
    return typeof route !== 'string' && res.statusCode === 404 ? undefined : this.routes.learn(req, route)
  }

  report(mode: Mode, budget: number): GovernorReport {
    return governorReport({
      sinceMs: this.#since,
      mode,
      budget,
      demand: this.#demand,
      idleBytes: this.#idleBytes,
      rows: this.routes.all(),
    })
  }
}
