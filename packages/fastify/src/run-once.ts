import type { RunOnce } from '@plimsoll/core'
import type { FastifyInstance, preHandlerHookHandler } from 'fastify'

/** Has each request pass `point` once right before its handler, on all routes that are declared later. */
export function passBeforeHandlers(app: FastifyInstance, point: RunOnce): void {
  const pass: preHandlerHookHandler = (request, _reply, done) => {
    if (point.passes(request, request.raw)) done()
  }
  app.addHook('onRoute', route => {
    const hooks = [route.preHandler ?? []].flat() as preHandlerHookHandler[]
    // The HEAD route that Fastify makes of a GET has it already.
    if (!hooks.includes(pass)) route.preHandler = [...hooks, pass]
  })
}
