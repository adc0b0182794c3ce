import {
  type AdapterOptions,
  checkObject,
  type Governor,
  governorOf,
  isPlimsollError,
  PlimsollError,
  type RequestReservation,
  type RoutePolicy,
  reservationOf,
} from '@plimsoll/core'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { attachTo } from './attach.ts'
import { RoutePolicies } from './route-policies.ts'
import { PassedOnce } from './run-once.ts'

/** A governor's options, or a governor of one's own (to share it) with a policy for all routes here. */
export type PlimsollOptions = AdapterOptions & {
  /**
   * What to do about a hook that calls `done()` twice and so would have the handler run twice: `'report'` (default)
   * stops the second pass and logs it, once for each culprit; with `'throw'` the request fails with it, for development.
   * Routes that were declared before the plugin is loaded are watched up to the parsing of their body.
   */
  readonly runOnce?: 'report' | 'throw'
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The governor of this server. */
    plimsoll: Governor
  }
  interface FastifyRequest {
    /** What this request holds of the budget; 0 bytes where it is exempt. */
    plimsoll: RequestReservation
  }
  interface FastifyContextConfig {
    /** What this route costs and allows, over the plugin's options; `false` exempts it. */
    plimsoll?: RoutePolicy | false
  }
}

/**
 * Governs every request of the server it is registered on, 404s included, from its onRequest hook on.
 * Refusals go to the server's error handler. Closing the server drains the governor, unless it was given.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the wrong option, of the plugin or of a route declared after it
 * @throws `ERR_PLIMSOLL_REGISTERED_TWICE` where this server or a parent of it is governed already
 */
export const plimsoll = fp(govern, { name: '@plimsoll/fastify', fastify: '5.x' })

async function govern(app: FastifyInstance, options: PlimsollOptions): Promise<void> {
  // In a child scope the decorators would silently shadow the parent's, and each request be admitted twice.
  if (app.hasDecorator('plimsoll')) {
    throw new PlimsollError(
      'ERR_PLIMSOLL_REGISTERED_TWICE',
      'This server is governed by @plimsoll/fastify already',
    )
  }
  checkObject(options, 'options')
  const { runOnce = 'report', ...rest } = options
  const { governor, policy, shared } = governorOf(rest, app.log, ['runOnce'])
  const once = new PassedOnce(app, governor, runOnce)
  const policies = new RoutePolicies(app, policy)

  app.decorate('plimsoll', governor)
  app.decorateRequest('plimsoll', {
    getter() {
      return reservationOf(this.raw)
    },
  })

  app.addHook('onRoute', route => policies.declare(route))

  app.addHook('onRequest', (request, reply, done) => {
    let admitted: RequestReservation | Promise<RequestReservation>
    try {
      const { policy, pattern } = policies.of(request)
      admitted = governor.admit(request.raw, reply.raw, policy, pattern)
    } catch (error) {
      refuse(error as Error, reply, done)
      return
    }
    if (admitted instanceof Promise) {
      once.bar(request)
      admitted.then(
        () => {
          once.open(request)
          done()
        },
        error => refuse(error, reply, done),
      )
    } else done()
  })

  attachTo(app, governor)
  if (!shared) {
    // Those that wait get their 503 now; for those admitted Fastify waits by itself.
    app.addHook('preClose', async () => {
      governor.close().catch(error => app.log.warn(error, 'plimsoll stopped waiting for requests under way'))
    })
  }
}

function refuse(error: Error, reply: FastifyReply, done: (error: Error) => void): void {
  if (isPlimsollError(error)) {
    // Nobody is there to answer, or somebody has.
    if (error.code === 'ERR_PLIMSOLL_CLIENT_GONE' || reply.sent) {
      if (!reply.sent) reply.hijack()
      return
    }
    // Logged by the governor, at a bounded rate. Fastify's own handler would log each 503 with its stack.
    const { log } = reply
    reply.log = Object.create(log, { error: { value: unless(error, log) } })
  }
  done(error)
}

/** Logs everything but `error` itself. */
function unless(error: Error, log: FastifyBaseLogger): FastifyBaseLogger['error'] {
  return (details: unknown, ...message: unknown[]) => {
    if ((details as { err?: unknown } | null)?.err !== error)
      log.error(details as object, ...(message as [string]))
  }
}
