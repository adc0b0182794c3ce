import { METHODS } from 'node:http'
import { bufferedAt, costOfBuffered } from './buffered-cost.ts'
import { ownText, PathPatterns } from './path-patterns.ts'
import { type HttpRequest, pathOf } from './request-head.ts'
import { RouteMeasures } from './route-measures.ts'

/** So many routes are told apart; all further are one. */
const MOST_ROUTES = 500
/** So many paths of a method are remembered with the row that they were found to have. */
const MOST_PATHS = 1000
/** Longer ones are not remembered. */
const LONGEST_PATH = 256

const methods: ReadonlySet<string | undefined> = new Set(METHODS)

/** The pattern of a request's route: a text where the framework knows it at once; or who knows it once it is answered. */
export type Route = string | ((req: HttpRequest) => string | undefined)

/** What is known of each route. Bounded, whatever clients ask for. */
export class Routes {
  readonly #byMethod = new Map<string, Map<string, RouteMeasures>>()
  readonly #patterns = new PathPatterns()
  readonly #paths = new Map<string, Map<string, RouteMeasures>>()
  readonly #guess: number
  readonly #others: RouteMeasures
  #size = 0

  /** @param guess what a response costs of which nothing is known */
  constructor(guess: number) {
    this.#guess = bufferedAt(guess)
    this.#others = new RouteMeasures('all others', this.#guess)
  }

  /** What a response of a route costs, by what its responses have buffered lately. */
  responseBytes(row: RouteMeasures | undefined): number {
    return row?.responseBytes ?? costOfBuffered(this.#guess)
  }

  /** All of which anything is known. */
  all(): RouteMeasures[] {
    const rows = [...this.#byMethod.values()].flatMap(rows => [...rows.values()])
    return this.#others.requests > 0 ? [...rows, this.#others] : rows
  }

  /** The row of a request; undefined where nothing is known of its kind yet. */
  find(req: HttpRequest, route: Route | undefined): RouteMeasures | undefined {
    const { method = '' } = req
    // With each request: whether there is such a method is asked of those only of which nothing is known.
    if (typeof route === 'string')
      return (this.#byMethod.get(method) ?? this.#byMethod.get(methodOf(req)))?.get(route)
    const path = pathOf(req)
    const known = this.#paths.get(method)?.get(path)
    if (known !== undefined) return known
    return this.#lookUp(methodOf(req), path)
  }

  #lookUp(method: string, path: string): RouteMeasures | undefined {
    const row = this.#patterns.find(method, path)
    if (row !== undefined && path.length <= LONGEST_PATH) this.#remember(method, path, row)
    return row
  }

  /** The row of a request that was answered, made where there is none. */
  learn(req: HttpRequest, route: Route | undefined): RouteMeasures {
    const method = methodOf(req)
    if (typeof route === 'string') return this.#rowOf(method, route)
    // One name is as good as another: only those that a framework knows are the route's own.
    const pattern = route?.(req)
    return this.#patterns.learn(method, pathOf(req), guess => this.#rowOf(method, pattern ?? guess))
  }

  #rowOf(method: string, pattern: string): RouteMeasures {
    const known = this.#byMethod.get(method)?.get(pattern)
    if (known !== undefined) return known
    if (this.#size >= MOST_ROUTES) return this.#others
    this.#size++
    const row = new RouteMeasures(`${method} ${pattern}`, this.#guess)
    const rows = this.#byMethod.get(method)
    if (rows === undefined) this.#byMethod.set(method, new Map([[pattern, row]]))
    else rows.set(pattern, row)
    return row
  }

  #remember(method: string, path: string, row: RouteMeasures): void {
    let paths = this.#paths.get(method)
    if (paths === undefined || paths.size >= MOST_PATHS) {
      paths = new Map()
      this.#paths.set(method, paths)
    }
    paths.set(ownText(path), row)
  }
}

/** Over HTTP/2 a client may make up methods; all of those are one. */
function methodOf({ method }: HttpRequest): string {
  return methods.has(method) ? (method as string) : '*'
}
