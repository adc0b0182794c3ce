import { type RoutePolicy, resolvePolicy } from '@plimsoll/core'
import type { FastifyContextConfig, FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'

/** A route's own body limit, noted when it is declared: its value may be the server's, and mean it. */
const BODY_LIMIT = Symbol('plimsoll.bodyLimit')

interface NotedConfig {
  [BODY_LIMIT]?: number
}

/** What a governor is told of a route. */
interface GovernedRoute {
  readonly policy: RoutePolicy
  readonly pattern: string
}

/**
 * The policy of each route: its own `config.plimsoll`, with Fastify's body limit as its largest body.
 * Looked up by the route's config object when a request comes, since routes declared before the plugin
 * pass no onRoute hook.
 */
export class RoutePolicies {
  readonly #serverLimit: number
  readonly #defaults: RoutePolicy
  readonly #routes = new WeakMap<object, GovernedRoute>()

  /** @param defaults the policy of all routes, from the plugin's options */
  constructor(app: FastifyInstance, defaults: RoutePolicy) {
    this.#serverLimit = app.initialConfig.bodyLimit as number
    this.#defaults = defaults
  }

  /** @throws `ERR_PLIMSOLL_OPTION` naming what is wrong in the route's policy */
  declare(route: RouteOptions): void {
    const policy = route.config?.plimsoll
    if (policy !== undefined && policy !== false) resolvePolicy(policy)
    const noted: NotedConfig = route.bodyLimit === undefined ? {} : { [BODY_LIMIT]: route.bodyLimit }
    route.config = { ...route.config, ...noted } as FastifyContextConfig & NotedConfig
  }

  of(request: FastifyRequest): GovernedRoute {
    // The getter builds an object at each access.
    const { config, bodyLimit, url = 'not found' } = request.routeOptions
    let route = this.#routes.get(config)
    if (route === undefined) {
      const { plimsoll = {}, [BODY_LIMIT]: noted } = config as FastifyContextConfig & NotedConfig
      const routeLimit = noted ?? (bodyLimit === this.#serverLimit ? undefined : bodyLimit)
      const policy = this.#withMaxBody(plimsoll === false ? { exempt: true } : plimsoll, routeLimit)
      route = { policy, pattern: url }
      this.#routes.set(config, route)
    }
    return route
  }

  /**
   * The nearest limit holds: the route's `maxBody`, its `bodyLimit`, the plugin's `maxBody`, the server's
   * `bodyLimit`. The last bounds what Fastify reads whole, so a streamed body is free of it.
   */
  #withMaxBody(own: RoutePolicy, routeLimit: number | undefined): RoutePolicy {
    // A key that is undefined is one left out.
    const set = Object.entries(own).filter(([, value]) => value !== undefined)
    // As in core: a cost is made for one way to read a body.
    const { cost: _cost, ...others } = this.#defaults
    const { body = 'buffer' } = others
    const inherited = (own.body ?? body) === body ? this.#defaults : others
    const policy: RoutePolicy = { ...inherited, ...Object.fromEntries(set) }
    const serverLimit = policy.body === 'stream' ? undefined : this.#serverLimit
    const maxBody = own.maxBody ?? routeLimit ?? policy.maxBody ?? serverLimit
    return maxBody === undefined ? policy : { ...policy, maxBody }
  }
}
