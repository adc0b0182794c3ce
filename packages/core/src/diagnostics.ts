import { channel } from 'node:diagnostics_channel'
import type { PlimsollError } from './errors.ts'
import type { Governor } from './governor.ts'
import type { HttpRequest, HttpResponse } from './request-head.ts'

/** Message of `plimsoll:queued`: a request waits for bytes. */
export interface QueuedMessage {
  /** Whose it is. */
  readonly governor: Governor
  /** The request that waits. */
  readonly request: HttpRequest
  /** Bytes it waits for. */
  readonly bytes: number
}

/** Message of `plimsoll:admitted`. */
export interface AdmittedMessage {
  /** Whose it is. */
  readonly governor: Governor
  /** The request that goes on. */
  readonly request: HttpRequest
  /** Its response. */
  readonly response: HttpResponse
  /** Method and pattern of its route, as in the report; undefined until a request of it was answered. */
  readonly route: string | undefined
  /** Bytes it was given. */
  readonly bytes: number
  /** How long it waited, in milliseconds; 0 where it did not wait. */
  readonly waitedMs: number
}

/** Message of `plimsoll:refused`: before the handler, or while its body was read. */
export interface RefusedMessage {
  /** Whose it is. */
  readonly governor: Governor
  /** The request that was refused. */
  readonly request: HttpRequest
  /** Why. */
  readonly error: PlimsollError
}

/** Message of `plimsoll:released`: response, connection and held work are over. */
export interface ReleasedMessage {
  /** Whose it is. */
  readonly governor: Governor
  /** The request that is over. */
  readonly request: HttpRequest
  /** Bytes held at the end. */
  readonly bytes: number
}

/** Message of `plimsoll:repeated`: a request passed a point for the second time. */
export interface RepeatedMessage {
  /** The request that was stopped. */
  readonly request: HttpRequest
  /** Its stack is that of the second call. */
  readonly error: PlimsollError
}

/** Message of `plimsoll:observed`: what would have become of a request that was let pass. */
export interface ObservedMessage {
  /** The request that went on. */
  readonly request: HttpRequest
  /** How long it would have waited, in milliseconds; 0 where it would have been refused. */
  readonly waitedMs: number
  /** Why it would have been refused; undefined where it would have been admitted. */
  readonly error: PlimsollError | undefined
}

// Ask `hasSubscribers` before a message is built: nobody listening must cost nothing.
export const queuedChannel = channel('plimsoll:queued')
export const admittedChannel = channel('plimsoll:admitted')
export const refusedChannel = channel('plimsoll:refused')
export const observedChannel = channel('plimsoll:observed')
export const releasedChannel = channel('plimsoll:released')
export const repeatedChannel = channel('plimsoll:repeated')
