import type { RoutePolicy } from '@plimsoll/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * The policy of each route: its own `config.plimsoll`, with Fastify's body limit as its largest body.
 * Looked up by the route's config object when a request comes, since routes declared before the plugin
 * pass no onRoute hook.
 */
export class RoutePolicies {
  readonly #serverLimit: number
  readonly #defaults: RoutePolicy
  readonly #policies = new WeakMap<object, RoutePolicy | false>()

  /** @param defaults the policy of all routes, from the plugin's options */
  constructor(app: FastifyInstance, defaults: RoutePolicy) {
    this.#serverLimit = app.initialConfig.bodyLimit as number
    this.#defaults = defaults
  }

  of(request: FastifyRequest): RoutePolicy | false {
    // The getter builds an object at each access.
    const { config, bodyLimit } = request.routeOptions
    let policy = this.#policies.get(config)
    if (policy === undefined) {
      policy =
        config.plimsoll === false ? false : this.#withMaxBody(config.plimsoll ?? {}, bodyLimit as number)
      this.#policies.set(config, policy)
    }
    return policy
  }

  /**
   * The nearest limit holds: the route's `maxBody`, its `bodyLimit`, the plugin's `maxBody`, the server's
   * `bodyLimit`. The last bounds what Fastify reads whole, so a streamed body is free of it.
   */
  #withMaxBody(own: RoutePolicy, bodyLimit: number): RoutePolicy {
    const policy = { ...this.#defaults, ...own }
    const routeLimit = bodyLimit === this.#serverLimit ? undefined : bodyLimit
    const serverLimit = policy.body === 'stream' ? undefined : bodyLimit
    const maxBody = own.maxBody ?? routeLimit ?? policy.maxBody ?? serverLimit
    return maxBody === undefined ? policy : { ...policy, maxBody }
  }
}
