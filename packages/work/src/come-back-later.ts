import { PlimsollError, type PlimsollErrorCode, type PlimsollErrorFigures } from '@plimsoll/core'

/** Those refused together are not to come back together. */
const MOST_SECONDS = 5

/** A refusal for now: its answer tells the client to come back in a few seconds. */
export function comeBackLater(
  code: PlimsollErrorCode,
  message: string,
  figures: PlimsollErrorFigures,
): PlimsollError {
  const error = new PlimsollError(code, message, figures)
  error.headers = { 'Retry-After': String(Math.ceil((1 - Math.random()) * MOST_SECONDS)) }
  return error
}
