import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type AdapterOptions,
  answerRefusal,
  checkObject,
  cutBody,
  type Governor,
  governorOf,
  type HttpRequest,
  isPlimsollError,
  optionError,
  type RequestReservation,
} from '@plimsoll/core'
import { showReservation } from './show-reservation.ts'

/** A governor's options, or a governor of one's own (to share it) with a policy for what is mounted behind. */
export type PlimsollOptions = AdapterOptions & {
  /**
   * `'answer'` (default): a refused request is answered here, as JSON. `'next'`: it goes to the application's error
   * handlers as an error with `status`, `headers` and `expose`.
   */
  readonly refusals?: 'answer' | 'next'
}

declare global {
  namespace Express {
    interface Request {
      /** What this request holds of the budget; 0 bytes where it is exempt. */
      plimsoll: RequestReservation
    }
  }
}

/** Express middleware, and its governor. */
export interface PlimsollMiddleware {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
  /** Its own, or the one it was given. */
  readonly governor: Governor
}

/**
 * Middleware that admits each request that passes it. Mount it before body parsers, once for the application,
 * and on a route with `{ governor }` and the route's own policy.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function plimsoll(options: PlimsollOptions = {}): PlimsollMiddleware {
  checkObject(options, 'options')
  const { refusals = 'answer', ...rest } = options
  if (refusals !== 'answer' && refusals !== 'next')
    throw optionError('refusals', '"answer" or "next"', refusals)
  const { governor, policy, shared } = governorOf(rest, undefined, ['refusals'])
  // Its own governor has the policy already.
  const own = shared ? policy : undefined

  function middleware(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void {
    let admitted: RequestReservation | Promise<RequestReservation>
    try {
      admitted = admit(req, res)
    } catch (error) {
      refuse(error, req, res, next)
      return
    }
    if (admitted instanceof Promise) {
      // Out of the promise, so that what is thrown behind is thrown as without us.
      admitted.then(
        () => process.nextTick(next),
        error => process.nextTick(refuse, error, req, res, next),
      )
    } else next()
  }

  function admit(
    req: IncomingMessage,
    res: ServerResponse,
  ): RequestReservation | Promise<RequestReservation> {
    try {
      return governor.admit(req, res, own, routeOf)
    } finally {
      // Also where it is refused, before any error handler asks for it.
      showReservation(req)
    }
  }

  function refuse(
    error: unknown,
    req: IncomingMessage,
    res: ServerResponse,
    next: (error: unknown) => void,
  ): void {
    // Such as what a logger throws.
    if (!isPlimsollError(error)) next(error)
    else if (refusals === 'answer' || error.code === 'ERR_PLIMSOLL_CLIENT_GONE') answerRefusal(res, error)
    else {
      // Express's own last handler would read all of it before it answers.
      cutBody(req, error)
      next(error)
    }
  }

  return Object.assign(middleware, { governor })
}

interface RoutedRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly route?: { readonly path?: unknown }
}

/** The pattern of the route that has answered. */
function routeOf(req: HttpRequest): string | undefined {
  const { baseUrl = '', route } = req as RoutedRequest
  return typeof route?.path === 'string' ? baseUrl + route.path : undefined
}
