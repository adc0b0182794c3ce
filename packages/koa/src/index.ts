/**
 * The governor as middleware for Koa 2 and 3.
 *
 * @module @plimsoll/koa
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
