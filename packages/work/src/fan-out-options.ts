import {
  type ByteSize,
  checkOptions,
  checkWhole,
  optionError,
  parseByteSize,
  type RequestReservation,
} from '@plimsoll/core'
import { type ResolvedShared, resolveShared, type SharedOptions } from './shared-limiter.ts'

/** How many tasks run at once, and for whom. */
export interface FanOutOptions {
  /** How many tasks of this call run at once, from 1. Default 4. */
  readonly concurrency?: number
  /** How many tasks may wait beside those that run, from 0. Default 1000. Async iterables are not asked for more than run. */
  readonly queueLimit?: number
  /** Bytes that each task holds in the request's reservation while it runs; a task's own `bytes` goes before. Default 0. */
  readonly bytes?: ByteSize
  /** Of the request that the tasks are for: with its end, or its deadline, they end. Default: none. */
  readonly reservation?: RequestReservation
  /** Ends the tasks, too. Default: none. */
  readonly signal?: AbortSignal
  /** A limit for all calls in this process that name it, the oldest of which goes first. Default: none. */
  readonly shared?: SharedOptions
  /** Whether the first failure ends the others. Default true. False: all are run, and failures told together. */
  readonly stopOnError?: boolean
  /** What `governor.heldWork()` calls it. Default `'fanOut'`. */
  readonly name?: string
}

/** These options, checked. */
export interface ResolvedFanOut {
  readonly concurrency: number
  readonly queueLimit: number
  readonly bytes: number
  readonly reservation: RequestReservation | undefined
  readonly signal: AbortSignal | undefined
  readonly shared: ResolvedShared | undefined
  readonly stopOnError: boolean
  readonly name: string
}

const KEYS = ['concurrency', 'queueLimit', 'bytes', 'reservation', 'signal', 'shared', 'stopOnError', 'name']

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveFanOut(options: FanOutOptions): ResolvedFanOut {
  checkOptions(options, KEYS, 'options')
  const { concurrency = 4, queueLimit = 1000, bytes = 0, reservation, signal } = options
  const { shared, stopOnError = true, name = 'fanOut' } = options
  // By shape, since it may come from another copy of core.
  if (reservation !== undefined && typeof reservation?.tryReserve !== 'function')
    throw optionError('reservation', "a request's reservation", reservation)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw optionError('signal', 'an AbortSignal', signal)
  if (typeof stopOnError !== 'boolean') throw optionError('stopOnError', 'true or false', stopOnError)
  if (typeof name !== 'string') throw optionError('name', 'a text', name)
  return {
    concurrency: checkWhole(concurrency, 'concurrency', Number.MAX_SAFE_INTEGER, 1),
    queueLimit: checkWhole(queueLimit, 'queueLimit', Number.MAX_SAFE_INTEGER),
    bytes: parseByteSize(bytes, 'bytes'),
    reservation,
    signal,
    shared: shared === undefined ? undefined : resolveShared(shared),
    stopOnError,
    name,
  }
}
