import { PlimsollError } from './errors.ts'
import type { HttpRequest } from './request-head.ts'

/**
 * How many times as large an encoded body is taken to be until that is known. JSON and text, which is what clients
 * compress, come to 4 to 10 times. To reserve less would be to refuse most of them amid their body under pressure,
 * when they could have waited for their turn. What was too much is given back when the body has been inflated.
 */
export const INFLATED = 8

/**
 * RFC 9110 section 8.4.1: names of codings are case-insensitive, and `identity` is none. Nor is `aws-chunked`, which
 * only frames a body that S3's clients sign as they send it.
 */
const NONE = /^\s*(identity|aws-chunked)?\s*$/i

/** Whether the body comes in a coding, whichever. */
export function isEncoded(req: HttpRequest): boolean {
  const coding = req.headers['content-encoding']
  return coding !== undefined && !NONE.test(String(coding))
}

/** What a route says that accepts none. */
export function encodingRefused(): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_ENCODING', 'The request body must not be encoded')
}
