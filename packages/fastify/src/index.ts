export type {
  ByteSize,
  GovernorOptions,
  GovernorStats,
  RequestReservation,
  RoutePolicy,
} from '@plimsoll/core'
export { type PlimsollOptions, plimsoll, plimsoll as default } from './plugin.ts'
