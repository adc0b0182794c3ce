/**
 * The governor as a plugin for Fastify 5.
 *
 * @module @plimsoll/fastify
 */

export type {
  ByteSize,
  GovernorOptions,
  GovernorStats,
  RequestReservation,
  RoutePolicy,
  ShareOptions,
} from '@plimsoll/core'
export { type PlimsollOptions, plimsoll, plimsoll as default } from './plugin.ts'
