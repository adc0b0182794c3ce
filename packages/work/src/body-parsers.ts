import type { Readable } from 'node:stream'
import type { HttpRequest } from '@plimsoll/core'
import { checkReadBodyOptions, type ReadBodyOptions, readBody, readBodyFrom } from './read-body.ts'

/** Of a request of Fastify, what its body is read by. */
export interface FastifyBodyRequest {
  /** Node's own. */
  readonly raw: HttpRequest
  /** Of its route. */
  readonly routeOptions: {
    /** The most bytes of a body. */
    readonly bodyLimit?: number | undefined
  }
}

/** Of a context of Koa. */
export interface KoaBodyContext {
  /** Node's own. */
  readonly req: HttpRequest
  /** Koa's own, which gets the body. */
  readonly request: object
}

/**
 * A parser for Fastify: `app.addContentTypeParser('application/octet-stream', fastifyReadBody)`. The body is a buffer of the
 * size that it declares, and at most as long as the route's `bodyLimit`, like what Fastify parses itself.
 *
 * @param payload the request, or what hooks have made of it, which is decoded then
 * @throws what {@link readBody} does
 */
export function fastifyReadBody(
  { raw, routeOptions }: FastifyBodyRequest,
  payload: Readable,
): Promise<Buffer> {
  return readBodyFrom(raw, payload, { limit: routeOptions.bodyLimit })
}

/**
 * Middleware for Express 4 and 5: `req.body` is a buffer of the size that the body declares. Errors go to `next`.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong; requests fail with what {@link readBody} throws
 */
export function expressReadBody(
  options: ReadBodyOptions = {},
): (req: HttpRequest, res: unknown, next: (error?: unknown) => void) => void {
  checkReadBodyOptions(options)
  return (req, _res, next) => {
    readBody(req, options).then(body => {
      Object.assign(req, { body })
      next()
    }, next)
  }
}

/**
 * Middleware for Koa 2 and 3: `ctx.request.body` is a buffer of the size that the body declares.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong; requests fail with what {@link readBody} throws
 */
export function koaReadBody(
  options: ReadBodyOptions = {},
): (ctx: KoaBodyContext, next: () => Promise<unknown>) => Promise<void> {
  checkReadBodyOptions(options)
  return async ({ req, request }, next) => {
    Object.assign(request, { body: await readBody(req, options) })
    await next()
  }
}
