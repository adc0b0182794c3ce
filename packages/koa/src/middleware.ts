import {
  type AdapterOptions,
  answerRefusal,
  forgetBody,
  type Governor,
  governorOf,
  handlerOver,
  isRefusal,
  type PlimsollError,
  type RequestReservation,
  refusalBody,
  reservationOf,
} from '@plimsoll/core'
import type { Middleware, Next, ParameterizedContext } from 'koa'

/** A governor's options, or a governor of one's own (to share it) with a policy for what is mounted behind. */
export type PlimsollOptions = AdapterOptions

declare module 'koa' {
  // Not DefaultContext, which applications with a context type of their own replace.
  interface ExtendableContext {
    /** What this request holds of the budget; 0 bytes where it is exempt. */
    plimsoll: RequestReservation
  }
}

/** Koa middleware, and its governor. */
export interface PlimsollMiddleware extends Middleware {
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

  async function middleware(ctx: ParameterizedContext, next: Next): Promise<void> {
    try {
      const admitted = admit(ctx)
      // To await without need would cost each request a turn.
      if (admitted instanceof Promise) await admitted
      await next()
      handled(ctx)
    } catch (error) {
      if (!isRefusal(error)) {
        handled(ctx)
        if (isNewDoubleNext(error)) governor.countRepeated(ctx.req)
        throw error
      }
      refuse(ctx, error)
    }
  }

  function admit(ctx: ParameterizedContext): RequestReservation | Promise<RequestReservation> {
    try {
      return governor.admit(ctx.req, ctx.res, own, () => routeOf(ctx))
    } finally {
      ctx.plimsoll = reservationOf(ctx.req)
    }
  }

  return Object.assign(middleware, { governor })
}

/** Koa leaves a response as it is that nobody can hear: nobody else would tell that its handler is done. */
function handled({ res, respond }: ParameterizedContext): void {
  if (respond !== false) handlerOver(res)
}

function refuse(ctx: ParameterizedContext, error: PlimsollError): void {
  if (ctx.respond === false || ctx.headerSent || !ctx.writable) {
    ctx.respond = false
    answerRefusal(ctx.res, error)
    return
  }
  forgetBody(ctx.res)
  ctx.status = error.statusCode
  ctx.body = refusalBody(error)
  ctx.type = 'json'
  ctx.set({ ...error.headers })
}

const counted = new WeakSet<Error>()

/** Whether koa-compose has rejected a second `next()`, and no other of us has seen it. One that is caught stays unseen. */
function isNewDoubleNext(error: unknown): boolean {
  if (!(error instanceof Error) || error.message !== 'next() called multiple times') return false
  const isNew = !counted.has(error)
  counted.add(error)
  return isNew
}

/** The pattern of the route that has answered, as @koa/router notes it. */
function routeOf({ _matchedRoute: path }: ParameterizedContext): string | undefined {
  return typeof path === 'string' ? path : undefined
}
