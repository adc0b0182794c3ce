/**
 * Bounded work inside a request.
 *
 * @module @plimsoll/work
 */

export type { ByteSize, RequestReservation, RoutePolicy } from '@plimsoll/core'
export { amplification, amplificationTable, type RouteAmplification } from './amplification.ts'
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
export { fanOut } from './fan-out.ts'
export type { FanOutOptions } from './fan-out-options.ts'
export type { Holdable } from './held-bytes.ts'
export { type ReadBodyOptions, readBody, readBodyPolicy, type WithRequest } from './read-body.ts'
export { type ReadBoundedOptions, readBounded } from './read-bounded.ts'
export type { SharedOptions } from './shared-limiter.ts'
export type { Task } from './task.ts'
