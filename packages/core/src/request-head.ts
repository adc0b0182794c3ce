import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { PlimsollError } from './errors.ts'

/** A request of node:http, node:https or of node:http2's compatibility API. */
export type HttpRequest = IncomingMessage | Http2ServerRequest
/** The response to one. */
export type HttpResponse = ServerResponse | Http2ServerResponse

/** What a request says of itself before any of its body is read. */
export interface RequestHead {
  /** In capitals, as Node has it. */
  readonly method: string
  /** As the client sent it, a path with its query as a rule, also where a router of Express has cut it. */
  readonly url: string
  /** With their names in small letters, as Node has them. */
  readonly headers: IncomingHttpHeaders
  /** Bytes of the body: 0 where there is none, undefined where its size is unknown. */
  readonly declaredBytes?: number
}

const DIGITS = /^\d+$/

/**
 * How long the body will be: 0 where there is none, undefined where that is unknown.
 *
 * RFC 9112 section 6.3: a Transfer-Encoding overrides the length. Node's parser lets a
 * Content-Length through that no double can hold, so the safe range is checked here.
 *
 * @param stream of a request over HTTP/2, where a body may simply go on after the headers
 * @throws `ERR_PLIMSOLL_BAD_LENGTH`
 */
export function declaredBytes(
  req: HttpRequest,
  stream?: ServerHttp2Stream,
  socket: Socket | null = req.socket,
): number | undefined {
  if (stream === undefined) {
    // The length may be among those that Node has dropped.
    if (mayHaveLostHeaders(req, socket)) return undefined
    if (saysNothingOfABody(req)) return 0
  }
  const { headers } = req
  if (headers['transfer-encoding'] !== undefined) return undefined
  const length = headers['content-length']
  if (length === undefined) return hasNoBody(req) ? 0 : undefined
  const bytes = DIGITS.test(length) ? Number(length) : Number.NaN
  if (!Number.isSafeInteger(bytes)) {
    throw new PlimsollError('ERR_PLIMSOLL_BAD_LENGTH', 'The Content-Length is not valid')
  }
  return bytes
}

/** Node passes no more headers on than `maxHeadersCount`, default 1000, but the body of what it has dropped. */
function mayHaveLostHeaders({ rawHeaders }: HttpRequest, socket: Socket | null): boolean {
  const { server } = (socket ?? {}) as { readonly server?: Pick<Server, 'maxHeadersCount'> }
  const most = server?.maxHeadersCount ?? 1000
  return most > 0 && rawHeaders?.length >= 2 * most
}

/**
 * Whether the head as it came names no body. Most requests have none, and Node makes `headers` only for who asks. An
 * injected request may have `headers` alone.
 */
function saysNothingOfABody(req: HttpRequest): boolean {
  const { rawHeaders } = req
  if (!rawHeaders?.length) return false
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 14 && /^content-length$/i.test(name)) return false
    if (name.length === 17 && /^transfer-encoding$/i.test(name)) return false
  }
  return true
}

/** HTTP/1 frames a body by its headers; an HTTP/2 stream may simply go on after them. Injected requests have no version. */
export function hasNoBody(req: HttpRequest): boolean {
  return !isHttp2(req) || req.stream.endAfterHeaders
}

/** Whether it came over HTTP/2. Its version does not tell: Node's parser of HTTP/1 takes a request line that says `HTTP/2.0`. */
export function isHttp2(req: HttpRequest): req is Http2ServerRequest {
  return req.httpVersionMajor > 1 && req instanceof Http2ServerRequest
}

/** What a body is read from in the end, whether by the request or by the stream of HTTP/2 below it. */
export function bodyOf(req: HttpRequest): Readable {
  return isHttp2(req) ? req.stream : req
}

export function requestHead(req: HttpRequest, bytes: number | undefined): RequestHead {
  const { method = '', headers } = req
  const url = urlOf(req)
  return bytes === undefined ? { method, url, headers } : { method, url, headers, declaredBytes: bytes }
}

function urlOf(req: HttpRequest & { readonly originalUrl?: string }): string {
  return req.originalUrl ?? req.url ?? ''
}

/** For a log: without the query, which may hold what no log should. */
export function pathOf(req: HttpRequest): string {
  const url = urlOf(req)
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}
