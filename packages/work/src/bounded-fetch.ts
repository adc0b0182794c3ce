import {
  type ByteSize,
  checkDuration,
  checkOptions,
  optionError,
  parseByteSize,
  type RequestReservation,
} from '@plimsoll/core'
import { boundedResponse } from './bounded-response.ts'
import { discardSource } from './bounded-source.ts'
import { OutboundCall } from './outbound-call.ts'

const DEFAULT_TIMEOUT_MS = 30_000

/** What bounds a call. */
export interface BoundedFetchOptions {
  /** The most bytes of a response's body, after decompression, from 0. */
  readonly limit: ByteSize
  /**
   * How long a call may take in milliseconds, from 1 to 2_147_483_647: until its response has been read, not only until its
   * headers are there. Default 30_000.
   */
  readonly timeoutMs?: number | undefined
  /** Calls them all off, beside the signal of each: that of a request's reservation, for one. Default: none. */
  readonly signal?: AbortSignal | undefined
  /**
   * Of the request that they are for: its signal calls them off, too, and the report of its route is told what is read of
   * their responses. It holds nothing of them: that is what `readBounded` does. Default: none.
   */
  readonly reservation?: RequestReservation | undefined
  /** Whose calls are bounded. Default: the global one, looked up at each call. */
  readonly fetch?: typeof fetch | undefined
}

/**
 * A `fetch` whose calls are bounded in bytes and in time, and leave nothing open: a response that is too long, too late,
 * called off, or that nobody can read any more, is ended together with its connection or stream. It rejects, and its bodies
 * fail, with what ended them.
 *
 * What it answers is a response of the same kind, with `url`, `redirected` and `type`, which its clones don't have.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong. Calls: `ERR_PLIMSOLL_RESPONSE_TOO_LARGE`,
 *   `ERR_PLIMSOLL_UPSTREAM_TIMEOUT`, the reason of a signal that has aborted, and what `fetch` rejects with
 */
export function boundedFetch(options: BoundedFetchOptions): typeof fetch {
  checkOptions(options, ['limit', 'timeoutMs', 'signal', 'reservation', 'fetch'], 'options')
  const limit = parseByteSize(options.limit, 'limit')
  const timeoutMs = checkDuration(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 'timeoutMs', 1)
  const { signal, reservation, fetch: given } = options
  if (given !== undefined && typeof given !== 'function') throw optionError('fetch', 'a function', given)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw optionError('signal', 'an AbortSignal', signal)
  // By shape, since it may come from another copy of core.
  if (reservation !== undefined && typeof reservation?.tryReserve !== 'function')
    throw optionError('reservation', "a request's reservation", reservation)

  return async (input, init) => {
    // Null takes off that of a Request.
    const own = init?.signal === undefined ? (input as { signal?: AbortSignal }).signal : init.signal
    const call = new OutboundCall(
      timeoutMs,
      [signal, reservation?.signal, own].filter(one => one instanceof AbortSignal),
    )
    let response: Response | undefined
    try {
      call.signal.throwIfAborted()
      response = await (given ?? fetch)(input, { ...init, signal: call.signal })
      call.signal.throwIfAborted()
      return boundedResponse(response, limit, call, reservation)
    } catch (error) {
      const reason = call.signal.aborted ? call.signal.reason : error
      if (response !== undefined) discardSource(response, reason)
      call.end(reason)
      throw reason
    }
  }
}
