/**
 * Bounded work inside a request.
 *
 * @module @plimsoll/work
 */

export { amplification, amplificationTable, type RouteAmplification } from './amplification.ts'
export { fanOut } from './fan-out.ts'
export type { FanOutOptions } from './fan-out-options.ts'
export type { SharedOptions } from './shared-limiter.ts'
export type { Task } from './task.ts'
