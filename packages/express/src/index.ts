/**
 * The governor as middleware for Express 4 and 5.
 *
 * @module @plimsoll/express
 */

export type {
  ByteSize,
  Governor,
  GovernorOptions,
  GovernorStats,
  RequestReservation,
  RoutePolicy,
  ShareOptions,
} from '@plimsoll/core'
export { type PlimsollMiddleware, type PlimsollOptions, plimsoll } from './middleware.ts'
export { type RunOnceMiddleware, type RunOnceMiddlewareOptions, runOnce } from './run-once.ts'
