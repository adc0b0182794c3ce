import { type ByteSize, parseByteSize } from './byte-size.ts'
import { optionError } from './errors.ts'

/** Bounds of a queue. */
export interface QueueOptions {
  /**
   * How many may wait. Default 1000; for a budget of `'auto'` no more than one for each 256 KiB of it. 0: nobody waits, and
   * who finds no room is refused.
   */
  readonly limit?: number
  /** How long each waits at most, in milliseconds. Default 30_000, at most 2_147_483_647. */
  readonly timeoutMs?: number
  /**
   * Bytes beside the capacity for small requests, of a quarter of this at most each, so that they never wait behind
   * large ones. 0: there is no lane. Default for a governor's own budget: 1/256 of it, at least 256 KiB, and 0 below
   * 4 MiB; for a ByteBudget 0.
   */
  readonly lane?: ByteSize
  /**
   * How many bytes of smaller waiters may pass one that finds no room, while it waits. 0: strictly in the order
   * of arrival. Default for a governor's own budget: its capacity; for a ByteBudget 0.
   */
  readonly passBytes?: ByteSize
}

/** The bounds of a queue, checked; sizes are in bytes. */
export interface ResolvedQueue {
  /** How many may wait. */
  readonly limit: number
  /** How long each waits at most. */
  readonly timeoutMs: number
  /** Bytes beside the capacity for small requests. */
  readonly lane: number
  /** How many bytes may pass a waiter. */
  readonly passBytes: number
}

const DEFAULT_QUEUE = Object.freeze({ limit: 1000, timeoutMs: 30_000, lane: 0, passBytes: 0 })

/**
 * What the memory beside a budget of 'auto' has to carry for each that waits: 200 KiB (measured), most of it the kernel's.
 *
 * @internal
 */
export const BESIDE_A_WAITER = 256 * 1024

/**
 * How many may wait where the budget is all that the container can spare but as much again.
 *
 * @internal
 */
export function waitersBeside(budget: number): number {
  return Math.min(DEFAULT_QUEUE.limit, Math.ceil(budget / BESIDE_A_WAITER))
}

/** Timers of Node fire at once beyond this. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** @throws `ERR_PLIMSOLL_OPTION` where a bound is no whole number in its range, or unknown */
export function resolveQueueOptions(options: QueueOptions = {}): ResolvedQueue {
  checkOptions(options, Object.keys(DEFAULT_QUEUE), 'queue')
  const { limit = DEFAULT_QUEUE.limit, timeoutMs = DEFAULT_QUEUE.timeoutMs } = options
  const { lane = DEFAULT_QUEUE.lane, passBytes = DEFAULT_QUEUE.passBytes } = options
  return Object.freeze({
    limit: checkWhole(limit, 'queue.limit', Number.MAX_SAFE_INTEGER),
    timeoutMs: checkDuration(timeoutMs, 'queue.timeoutMs'),
    lane: parseByteSize(lane, 'queue.lane'),
    passBytes: parseByteSize(passBytes, 'queue.passBytes'),
  })
}

/**
 * @throws `ERR_PLIMSOLL_OPTION` where `value` is no whole number of milliseconds a timer can take
 * @internal
 */
export function checkDuration(value: number, name: string, least = 0): number {
  return checkWhole(value, name, LONGEST_TIMEOUT_MS, least)
}

/**
 * @throws `ERR_PLIMSOLL_OPTION` where `value` is no whole number in its range
 * @internal
 */
export function checkWhole(value: number, name: string, most: number, least = 0): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw optionError(name, `a whole number from ${least} to ${most}`, value)
  }
  return value
}

/** @throws `ERR_PLIMSOLL_OPTION` where options are no object */
export function checkObject(options: unknown, name: string): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw optionError(name, 'an object', options)
  }
}

/**
 * Options are one plain object of known keys: a typo must not turn a protection off.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the unknown key
 * @internal
 */
export function checkOptions(options: unknown, known: readonly string[], name: string): void {
  checkObject(options, name)
  const unknown = Object.keys(options).find(key => !known.includes(key))
  if (unknown !== undefined)
    throw optionError(`the key "${unknown}" of ${name}`, `one of ${known.join(', ')}`, unknown)
}
