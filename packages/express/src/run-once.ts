import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  checkObject,
  type Governor,
  type HttpRequest,
  optionError,
  RunOnce,
  type RunOnceOptions,
} from '@plimsoll/core'
import { aboveCall, guardFromHere, type Next } from './layer-guard.ts'

/** What to do about middleware that calls `next()` twice. */
export interface RunOnceMiddlewareOptions extends RunOnceOptions {
  /** Also counts there, as `governor.stats().repeated`. */
  readonly governor?: Governor
}

/** Express middleware, and how many second calls it has stopped. */
export interface RunOnceMiddleware {
  (req: IncomingMessage, res: ServerResponse, next: Next): void
  /** Second calls of `next()` that were stopped. */
  readonly repeated: number
}

/**
 * Middleware behind which each piece of middleware goes on once for each request. Mount it first. One that calls
 * `next()` twice has Express run the next matching route, or the 404, beside the handler that is at work. Here the
 * second call ends, and is reported with its stack, once for each culprit. An error handed on late, by `next(error)`,
 * still goes to the error handlers.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function runOnce(options: RunOnceMiddlewareOptions = {}): RunOnceMiddleware {
  checkObject(options, 'options')
  const { governor, ...rest } = options
  // By shape, since it may come from another copy of core.
  if (governor !== undefined && typeof governor?.countRepeated !== 'function')
    throw optionError('governor', 'a Governor', governor)
  let repeated = 0
  const onRepeat = (req: HttpRequest): void => {
    repeated++
    governor?.countRepeated(req)
  }
  const point = new RunOnce(rest, onRepeat, aboveCall)
  // What only observes counts, and changes nothing.
  const observes = (req: HttpRequest): boolean => {
    if (governor?.mode !== 'observe') return false
    onRepeat(req)
    return true
  }
  let warned = false

  function middleware(req: IncomingMessage, _res: ServerResponse, next: Next): void {
    const watched = guardFromHere(req, next => {
      let called = false
      return function once(signal) {
        // An error that comes late must not be lost.
        if (!called || isError(signal) || observes(req)) {
          called = true
          next(signal)
        } else point.repeated(req, once)
      }
    })
    if (!watched && !warned) {
      warned = true
      process.emitWarning('runOnce sees nothing: it finds no router of Express 4 or 5', 'PlimsollWarning')
    }
    next()
  }
  return Object.defineProperty(middleware, 'repeated', {
    get: () => repeated,
  }) as unknown as RunOnceMiddleware
}

/** Express's two other signals are words. */
function isError(signal: unknown): boolean {
  return Boolean(signal) && signal !== 'route' && signal !== 'router'
}
