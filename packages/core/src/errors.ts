import { inspect } from 'node:util'

/**
 * Every code an error of ours can carry, with the status a client is sent. People match on `code`;
 * `docs/errors.md` says what each means and what to do about it.
 */
export const STATUS_OF_CODE = {
  ERR_PLIMSOLL_QUEUE_FULL: 503,
  ERR_PLIMSOLL_QUEUE_TIMEOUT: 503,
  ERR_PLIMSOLL_NO_ROOM: 503,
  ERR_PLIMSOLL_CLOSED: 503,
  ERR_PLIMSOLL_DEADLINE: 504,
  ERR_PLIMSOLL_TOO_SLOW: 408,
  ERR_PLIMSOLL_OVER_SHARE: 429,
  ERR_PLIMSOLL_BODY_TOO_LARGE: 413,
  ERR_PLIMSOLL_BODY_OVER_BUDGET: 413,
  ERR_PLIMSOLL_COST_OVER_BUDGET: 503,
  ERR_PLIMSOLL_LENGTH_REQUIRED: 411,
  ERR_PLIMSOLL_BAD_LENGTH: 400,
  ERR_PLIMSOLL_ENCODING: 415,
  ERR_PLIMSOLL_COST_FUNCTION: 500,
  ERR_PLIMSOLL_RESPONSE_TOO_LARGE: 502,
  ERR_PLIMSOLL_UPSTREAM_TIMEOUT: 504,
  ERR_PLIMSOLL_CLIENT_GONE: 499,
  ERR_PLIMSOLL_RELEASED: 500,
  ERR_PLIMSOLL_CLOSE_TIMEOUT: 500,
  ERR_PLIMSOLL_FLUSH_TIMEOUT: 500,
  ERR_PLIMSOLL_REGISTERED_TWICE: 500,
  ERR_PLIMSOLL_PASSED_TWICE: 500,
  ERR_PLIMSOLL_OPTION: 500,
} as const

/** A code an error of ours can carry; `docs/errors.md` says what each means and what to do about it. */
export type PlimsollErrorCode = keyof typeof STATUS_OF_CODE

/** What an error tells beside its code and message. */
export interface PlimsollErrorFigures {
  /** Bytes that were asked for, where there were any. */
  readonly bytes?: number | undefined
  /** The limit they met. Never part of the message, which clients see. */
  readonly limit?: number | undefined
  /** What made it fail, where that was another error. */
  readonly cause?: unknown
}

/**
 * An error of ours: match on `code`. What frameworks answer with is there in the shape of
 * [http-errors](https://www.npmjs.com/package/http-errors).
 */
export class PlimsollError extends Error {
  /** The same for all of them: `code` tells them apart. */
  override readonly name = 'PlimsollError'
  /** What went wrong. */
  readonly code: PlimsollErrorCode
  // Fields and not accessors, since http-errors writes to them.
  /** What the client is answered with. */
  readonly statusCode: number
  /** The same. */
  readonly status: number
  /** Whether the message is for the client's eyes. It tells no limit, in any case. */
  readonly expose: boolean
  /** What the answer has to carry: `Retry-After` where coming back may help, `Connection: close`. */
  headers: Readonly<Record<string, string>> | undefined = undefined
  /** Bytes that were asked for, where there were any. */
  readonly bytes: number | undefined
  /** The limit they met. */
  readonly limit: number | undefined

  constructor(code: PlimsollErrorCode, message: string, figures: PlimsollErrorFigures = {}) {
    super(message, 'cause' in figures ? { cause: figures.cause } : undefined)
    this.code = code
    this.statusCode = this.status = STATUS_OF_CODE[code]
    this.expose = this.status < 500
    this.bytes = figures.bytes
    this.limit = figures.limit
  }
}

/** Whether `value` is an error of ours, from whichever copy of the package in this process. */
export function isPlimsollError(value: unknown): value is PlimsollError {
  return value instanceof Error && Object.hasOwn(STATUS_OF_CODE, (value as { code?: string }).code ?? '')
}

/** Faults of a program, which no client is answered with. */
const FAULTS: ReadonlySet<PlimsollErrorCode> = new Set<PlimsollErrorCode>([
  'ERR_PLIMSOLL_OPTION',
  'ERR_PLIMSOLL_REGISTERED_TWICE',
  'ERR_PLIMSOLL_PASSED_TWICE',
  'ERR_PLIMSOLL_CLOSE_TIMEOUT',
  'ERR_PLIMSOLL_FLUSH_TIMEOUT',
])

/** Whether `value` is what became of one request. */
export function isRefusal(value: unknown): value is PlimsollError {
  return isPlimsollError(value) && !FAULTS.has(value.code)
}

/** A bad option: thrown when the server starts, with the option's name. */
export function optionError(option: string, expected: string, got: unknown): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_OPTION', `${option} must be ${expected}, got ${inspect(got)}`)
}

export function clientLeft(): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_CLIENT_GONE', 'The client is gone')
}

export function requestOver(bytes?: number): PlimsollError {
  return new PlimsollError(
    'ERR_PLIMSOLL_RELEASED',
    'The request is over',
    bytes === undefined ? {} : { bytes },
  )
}

export function tooLate(): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_DEADLINE', 'The request took too long')
}

export function tooSlow(bytes: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_TOO_SLOW', 'The request was too slow while others waited', { bytes })
}

export function noRoom(bytes: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_NO_ROOM', 'There is no room for this request now', { bytes })
}

export function overShare(bytes: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_OVER_SHARE', 'Too many requests of one client', { bytes })
}

export function bodyTooLarge(bytes: number, limit: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_BODY_TOO_LARGE', 'The request body is too large', { bytes, limit })
}

export function costTooLarge(bytes: number, limit: number, hasBody: boolean): PlimsollError {
  return hasBody
    ? new PlimsollError('ERR_PLIMSOLL_BODY_OVER_BUDGET', 'The request body is too large', { bytes, limit })
    : new PlimsollError('ERR_PLIMSOLL_COST_OVER_BUDGET', 'The request needs more memory than there is', {
        bytes,
        limit,
      })
}
