export type {
  ByteSize,
  Governor,
  GovernorOptions,
  GovernorStats,
  RequestReservation,
  RoutePolicy,
} from '@plimsoll/core'
export { type PlimsollMiddleware, type PlimsollOptions, plimsoll } from './middleware.ts'
