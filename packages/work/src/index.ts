/**
 * Bounded work inside a request.
 *
 * @module @plimsoll/work
 */

export type { ByteSize, RequestReservation, RoutePolicy } from '@plimsoll/core'
export {
  expressReadBody,
  type FastifyBodyRequest,
  fastifyReadBody,
  type KoaBodyContext,
  koaReadBody,
} from './body-parsers.ts'
export { type BoundedFetchOptions, boundedFetch } from './bounded-fetch.ts'
export type {
  BoundedMessage,
  BoundedSource,
  SourceHeaders,
  WebStream,
  WebStreamReader,
} from './bounded-source.ts'
export { type ReadBodyOptions, readBody, readBodyPolicy, type WithRequest } from './read-body.ts'
export { type ReadBoundedOptions, readBounded } from './read-bounded.ts'
