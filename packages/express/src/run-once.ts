import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkObject, type Governor, RunOnce, type RunOnceOptions } from '@plimsoll/core'

/** What to do about a request that passes twice. */
export interface RunOnceMiddlewareOptions extends RunOnceOptions {
  /** Also counts there, as `governor.stats().repeated`. */
  readonly governor?: Governor
}

/** Express middleware, and how many requests it has stopped. */
export interface RunOnceMiddleware {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
  /** Second passes that were stopped. */
  readonly repeated: number
}

/**
 * Middleware that each request passes once. Something before it that calls `next()` twice would run all behind it
 * twice; Express does not notice. The second pass ends here, and is reported with the stack of the second call.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function runOnce(options: RunOnceMiddlewareOptions = {}): RunOnceMiddleware {
  checkObject(options, 'options')
  const { governor, ...rest } = options
  let repeated = 0
  const point = new RunOnce(rest, () => {
    repeated++
    governor?.countRepeated()
  })

  function middleware(req: IncomingMessage, _res: ServerResponse, next: (error?: unknown) => void): void {
    if (point.passes(req, req)) next()
  }
  return Object.defineProperty(middleware, 'repeated', {
    get: () => repeated,
  }) as unknown as RunOnceMiddleware
}
