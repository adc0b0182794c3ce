import type { Readable } from 'node:stream'
import {
  type ByteSize,
  checkOptions,
  cutBody,
  type HttpRequest,
  isPlimsollError,
  noReservation,
  optionError,
  PlimsollError,
  parseByteSize,
  type RoutePolicy,
  reservationOf,
} from '@plimsoll/core'
import { canDecode, codingsOf } from './content-codings.ts'
import { endStream } from './end-stream.ts'
import { GatheredBytes } from './gathered-bytes.ts'
import { HeldBytes } from './held-bytes.ts'
import { readChunks } from './read-chunks.ts'

/** How a body is read. */
export interface ReadBodyOptions {
  /**
   * The most bytes, after decompression, from 0. Default: what the governor allows (`maxBody`); where none has admitted the
   * request it must be given. A governor that only observes bounds nothing.
   */
  readonly limit?: ByteSize | undefined
}

/** A request, or what has one: of Fastify, Koa and Express. */
export type WithRequest =
  | HttpRequest
  | {
      /** Node's own, in Fastify. */
      readonly raw: HttpRequest
    }
  | {
      /** Node's own, in Koa. */
      readonly req: HttpRequest
    }

/**
 * What a route costs that reads its body by {@link readBody}: the body once, and 64 KiB for the request itself. Other
 * parsers hold their bodies twice and more.
 */
export const readBodyPolicy: RoutePolicy = Object.freeze({
  cost: Object.freeze({ fixed: '64KiB', perByte: 1 }),
  body: 'buffer',
})

/**
 * Reads the body of a request into one buffer of the size that it declares, so that it takes its size once and not twice.
 * A body without a length, or one that is encoded by gzip, deflate or br and so decoded, is gathered first and copied: for
 * the moment in which it is there twice, its reservation grows. A refused body leaves the connection open for the answer.
 *
 * @throws `ERR_PLIMSOLL_BODY_TOO_LARGE` where it is longer than `limit`; what the governor refuses a body with
 * @throws `ERR_PLIMSOLL_ENCODING` where it is not what its Content-Encoding says, or that is not known
 * @throws `ERR_PLIMSOLL_BAD_LENGTH` where it is not as long as it says
 * @throws `ERR_PLIMSOLL_NO_ROOM` where a body whose length was not known can't be there twice
 * @throws `ERR_PLIMSOLL_CLIENT_GONE` where its client leaves before it is whole
 * @throws `ERR_PLIMSOLL_OPTION` where somebody has read of it, or there is no limit
 */
export function readBody(request: WithRequest, options: ReadBodyOptions = {}): Promise<Buffer> {
  const req = rawOf(request)
  return readBodyFrom(req, req, options)
}

/** @param body the request, or what has been made of it by now, which is decoded then */
export async function readBodyFrom(
  req: HttpRequest,
  body: Readable,
  options: ReadBodyOptions = {},
): Promise<Buffer> {
  const limit = resolveLimit(options, req)
  if (body.readableDidRead) throw optionError('request', 'one that nobody has read', 'one that was read')
  const raw = body === req
  const codings = raw ? codingsOf(req.headers['content-encoding']) : []
  const expected = raw && codings.length === 0 ? declaredOf(req) : undefined
  const reservation = reservationOf(req)
  // Who costs nothing is not asked for more.
  const held = new HeldBytes(reservation.bytes > 0 ? reservation : undefined)
  try {
    if (!canDecode(codings)) throw badEncoding()
    const gathered = new GatheredBytes({
      limit,
      expected,
      held,
      paid: true,
      tooLarge: bytes => tooLarge(bytes, limit),
    })
    await readChunks({ body, codings }, chunk => gathered.add(chunk), undefined)
    // A decoder is done where what is encoded ends; unread, what follows that would stop the connection's next request.
    if (codings.length > 0) req.unpipe().resume()
    // Over HTTP/2 a body that breaks off ends like a whole one.
    if (req.aborted) throw clientGone()
    if (expected !== undefined && gathered.total !== expected) {
      throw new PlimsollError('ERR_PLIMSOLL_BAD_LENGTH', 'The body is not as long as it says', {
        bytes: gathered.total,
      })
    }
    return gathered.joined()
  } catch (error) {
    const fault = faultOf(req, codings.length > 0, error)
    if (!req.readableEnded && !req.destroyed) cutBody(req, fault as PlimsollError)
    if (!raw) endStream(body)
    throw fault
  }
}

/** @throws `ERR_PLIMSOLL_OPTION` */
export function checkReadBodyOptions(options: ReadBodyOptions): void {
  checkOptions(options, ['limit'], 'options')
  if (options.limit !== undefined) parseByteSize(options.limit, 'limit')
}

function resolveLimit(options: ReadBodyOptions, req: HttpRequest): number {
  checkReadBodyOptions(options)
  if (options.limit !== undefined) return parseByteSize(options.limit, 'limit')
  if (reservationOf(req) !== noReservation) return Number.POSITIVE_INFINITY
  throw optionError('limit', 'given for a request that no governor has admitted', options.limit)
}

function rawOf(request: WithRequest): HttpRequest {
  if ('raw' in request) return request.raw
  return 'req' in request ? request.req : request
}

function declaredOf({ headers }: HttpRequest): number | undefined {
  const length = headers['content-length']
  return length === undefined || headers['transfer-encoding'] !== undefined ? undefined : Number(length)
}

function faultOf(req: HttpRequest, decoded: boolean, error: unknown): unknown {
  if (isPlimsollError(error)) return error
  if (req.aborted || req.readableAborted) return clientGone(error)
  // It is a decoder that has failed; or else what a hook has made of the request.
  return decoded ? badEncoding(error) : error
}

function clientGone(cause?: unknown): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_CLIENT_GONE', 'The client is gone', { cause })
}

function badEncoding(cause?: unknown): PlimsollError {
  return new PlimsollError(
    'ERR_PLIMSOLL_ENCODING',
    'The encoding of the request body is not known, or wrong',
    { cause },
  )
}

function tooLarge(bytes: number, limit: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_BODY_TOO_LARGE', 'The request body is too large', { bytes, limit })
}
