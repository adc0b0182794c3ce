import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import {
  type AdapterOptions,
  type Governor,
  governorOf,
  isPlimsollError,
  type RequestReservation,
  refusalBody,
  reservationOf,
} from '@plimsoll/core'
import type { Context, MiddlewareHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

declare module 'hono' {
  interface ContextVariableMap {
    /** What this request holds of the budget; 0 bytes where it is exempt. */
    plimsoll: RequestReservation
  }
}

/** Hono middleware that admits each request that passes it, and its governor. */
export function plimsoll(options: AdapterOptions = {}): MiddlewareHandler & { readonly governor: Governor } {
  const { governor, policy, shared } = governorOf(options)
  // Its own governor has the policy already.
  const own = shared ? policy : undefined

  const middleware: MiddlewareHandler = async (c, next): Promise<void> => {
    const { incoming, outgoing } = c.env ?? {}
    try {
      // Nothing to admit where there is no response: for WebSockets, and in app.request().
      const admitted = outgoing && governor.admit(incoming, outgoing, own)
      if (admitted instanceof Promise) await admitted
    } catch (error) {
      c.res = refusal(c, error)
      return
    } finally {
      c.set('plimsoll', reservationOf(incoming ?? c))
    }
    await next()
    // A body refused on its way fails where it is read, which ends in an error handler that says 500.
    if (isPlimsollError(c.error) && c.res.status === 500) c.res = refusal(c, c.error)
  }
  return Object.assign(middleware, { governor })
}

function refusal(c: Context, error: unknown): Response {
  if (!isPlimsollError(error)) throw error
  if (error.code === 'ERR_PLIMSOLL_CLIENT_GONE') return RESPONSE_ALREADY_SENT
  return c.json(refusalBody(error), error.statusCode as ContentfulStatusCode, { ...error.headers })
}
