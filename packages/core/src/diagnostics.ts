import { channel } from 'node:diagnostics_channel'
import type { PlimsollError } from './errors.ts'
import type { HttpRequest } from './request-head.ts'

/** Message of `plimsoll:queued`: a request waits for bytes. */
export interface QueuedMessage {
  readonly request: HttpRequest
  readonly bytes: number
}

/** Message of `plimsoll:admitted`. */
export interface AdmittedMessage {
  readonly request: HttpRequest
  readonly bytes: number
  /** 0 where it did not wait. */
  readonly waitedMs: number
}

/** Message of `plimsoll:refused`: before the handler, or while its body was read. */
export interface RefusedMessage {
  readonly request: HttpRequest
  readonly error: PlimsollError
}

/** Message of `plimsoll:released`: response, connection and held work are over. */
export interface ReleasedMessage {
  readonly request: HttpRequest
  /** Bytes held at the end. */
  readonly bytes: number
}

/** Message of `plimsoll:repeated`: a request passed a point for the second time. */
export interface RepeatedMessage {
  readonly request: HttpRequest
  /** Its stack is that of the second call. */
  readonly error: PlimsollError
}

// Ask `hasSubscribers` before a message is built: nobody listening must cost nothing.
export const queuedChannel = channel('plimsoll:queued')
export const admittedChannel = channel('plimsoll:admitted')
export const refusedChannel = channel('plimsoll:refused')
export const releasedChannel = channel('plimsoll:released')
export const repeatedChannel = channel('plimsoll:repeated')
