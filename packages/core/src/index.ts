/**
 * A budget in bytes, the governor that admits requests by it, and what adapters are made of.
 *
 * @module @plimsoll/core
 */

export type { AdapterOptions, Governed, NewGovernor, SharedGovernor } from './adapter-options.ts'
export { governorOf } from './adapter-options.ts'
export type { AcquireOptions, ByteBudgetOptions, Lane } from './byte-budget.ts'
export { ByteBudget } from './byte-budget.ts'
export type { ByteSize } from './byte-size.ts'
export { parseByteSize } from './byte-size.ts'
export { CONNECTION_BYTES, connectionsFor } from './connection-limit.ts'
export { cutBody } from './cut-body.ts'
export type {
  AdmittedMessage,
  ObservedMessage,
  QueuedMessage,
  RefusedMessage,
  ReleasedMessage,
  RepeatedMessage,
} from './diagnostics.ts'
export type { PlimsollErrorCode, PlimsollErrorFigures } from './errors.ts'
export { isPlimsollError, isRefusal, optionError, PlimsollError } from './errors.ts'
export type { HttpServer } from './expect-continue.ts'
export type { FlightSample } from './flight-log.ts'
export { readFlight } from './flight-log.ts'
export type { RecorderOptions } from './flight-recorder.ts'
export type { RequestReservation } from './governed-request.ts'
export { Governor, reservationOf } from './governor.ts'
export type { GovernorOptions } from './governor-options.ts'
export type { GovernorStats } from './governor-stats.ts'
export {
  type ClosingServer,
  type ServerOwner,
  type ShutdownOptions,
  shutdown,
  shutdownOnSignal,
} from './graceful-shutdown.ts'
export type { Health, HealthOptions } from './health.ts'
export type { HeldWork } from './held-work.ts'
export { laneBeside, smallFor } from './lane.ts'
export type { GiveBack } from './lower-priority.ts'
export type { ChosenBudget, MemoryLimit } from './memory-limit.ts'
export { chooseBudget, FLOATING_BYTES, limitFor, memoryLimit } from './memory-limit.ts'
export { type MemoryReading, memoryUse } from './memory-use.ts'
export type { Mode, ModeOption } from './mode.ts'
export { noReservation } from './no-reservation.ts'
export { noteRead, noteTasks } from './note-work.ts'
export type { ObservedStats } from './observer.ts'
export {
  BESIDE_A_WAITER,
  checkDuration,
  checkObject,
  checkOptions,
  checkWhole,
  type QueueOptions,
  type ResolvedQueue,
  waitersBeside,
} from './options.ts'
export { answerRefusal, forgetBody, refusalBody } from './refusal.ts'
export type { Logger } from './refusal-log.ts'
export type {
  Evidence,
  GovernorReport,
  LinearCost,
  RecommendedBudget,
  RecommendedCost,
  RouteReport,
  RouteWork,
  Spread,
} from './report.ts'
export type { HttpRequest, HttpResponse, RequestHead } from './request-head.ts'
export type { Reservation } from './reservation.ts'
export type { CostByLength, CostFunction, ResolvedPolicy, RoutePolicy } from './route-policy.ts'
export { resolvePolicy } from './route-policy.ts'
export type { Route } from './routes.ts'
export { RunOnce, type RunOnceOptions } from './run-once.ts'
export type { ShareOptions } from './shares.ts'
export { handlerOver } from './unattended.ts'
