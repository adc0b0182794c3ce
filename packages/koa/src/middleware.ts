import {
  type AdapterOptions,
  answerRefusal,
  type Governor,
  governorOf,
  isPlimsollError,
  type PlimsollError,
  type RequestReservation,
  refusalBody,
  reservationOf,
} from '@plimsoll/core'
import type { Context, Next } from 'koa'

/** A governor's options, or a governor of one's own (to share it) with a policy for what is mounted behind. */
export type PlimsollOptions = AdapterOptions

declare module 'koa' {
  interface DefaultContext {
    /** What this request holds of the budget; 0 bytes where it is exempt. */
    plimsoll: RequestReservation
  }
}

/** Koa middleware, and its governor. */
export interface PlimsollMiddleware {
  (ctx: Context, next: Next): Promise<void>
  /** Its own, or the one it was given. */
  readonly governor: Governor
}

/**
 * Middleware that admits each request that passes it. Mount it before body parsers, once for the application,
 * and on a route with `{ governor }` and the route's own policy. A refusal sets status and body as a
 * handler would, so it prints no stack, and what is mounted before sees it.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function plimsoll(options: PlimsollOptions = {}): PlimsollMiddleware {
  const { governor, policy, shared } = governorOf(options)
  // Its own governor has the policy already.
  const own = shared ? policy : undefined

  async function middleware(ctx: Context, next: Next): Promise<void> {
    try {
      const admitted = admit(ctx)
      // To await without need would cost each request a turn.
      if (admitted instanceof Promise) await admitted
      await next()
    } catch (error) {
      if (isPlimsollError(error)) refuse(ctx, error)
      else {
        if (isDoubleNext(error)) governor.countRepeated()
        throw error
      }
    }
  }
  function admit(ctx: Context): RequestReservation | Promise<RequestReservation> {
    try {
      return governor.admit(ctx.req, ctx.res, own)
    } finally {
      ctx.plimsoll = reservationOf(ctx.req)
    }
  }

  return Object.assign(middleware, { governor })
}

function refuse(ctx: Context, error: PlimsollError): void {
  if (error.code === 'ERR_PLIMSOLL_CLIENT_GONE' || ctx.headerSent || !ctx.writable) {
    ctx.respond = false
    answerRefusal(ctx.res, error)
    return
  }
  // As Koa's own error handling does: what was set was meant for another body.
  ctx.status = error.statusCode
  ctx.body = refusalBody(error)
  ctx.set({ ...error.headers })
}

/** What koa-compose says of it. One that is caught on the way stays unseen. */
function isDoubleNext(error: unknown): boolean {
  return error instanceof Error && error.message === 'next() called multiple times'
}
