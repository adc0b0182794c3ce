import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { PlimsollError, PlimsollErrorCode } from './errors.ts'
import type { GovernedRequest } from './governed-request.ts'
import { LINGER_MS, lingerOnClose, lingerOnFinish } from './lingering-close.ts'
import { type HttpRequest, type HttpResponse, isHttp2 } from './request-head.ts'
import { handlerOver } from './unattended.ts'

/** What a handler may have said of its own body. The rest stays: without CORS headers no browser reads a refusal. */
const OF_A_BODY = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-range',
  'etag',
  'expires',
  'last-modified',
  'trailer',
  'transfer-encoding',
]

/** All of a response that fails once it is answered, or would add to the answer. */
const WRITING = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'removeHeader',
  'addTrailers',
  'flushHeaders',
  'writeHead',
  'write',
  'end',
]

/** Whose connection ends with the answer: it is to go elsewhere, or will not send the rest of its body. */
const CLOSING: ReadonlySet<PlimsollErrorCode> = new Set(['ERR_PLIMSOLL_CLOSED', 'ERR_PLIMSOLL_TOO_SLOW'])

/** An unread body up to this size is drained by Node, and the connection is kept. */
export const SMALL_BODY = 64 * 1024

/** Whether all that may still come of this body is small enough to be read for nothing. */
export function isSmall(req: HttpRequest): boolean {
  if (isHttp2(req) || req.complete) return true
  const { headers } = req
  // What can't be read as a number is not small.
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= SMALL_BODY
}

/**
 * Prepares a response for a refusal, whoever will write it: a Retry-After where coming back may help,
 * and a close that leaves the client time to read its answer where it is still sending a large body.
 * The headers are set on Node's own response, so they survive a framework's error handling.
 *
 * @param retryMs in how long there will have been room for everybody who waits now
 */
export function prepareRefusal(
  { req, socket }: Pick<GovernedRequest, 'req' | 'socket'>,
  res: HttpResponse,
  error: PlimsollError,
  retryMs: number,
): void {
  if (isHttp2(req)) lingerOnFinish(req.stream)
  // Of an upgrade, Node has let go: nobody else will close its socket.
  const upgrade = req.headers.upgrade !== undefined
  const sending = !isSmall(req)
  if (sending) lingerOnClose(socket)
  if (upgrade || (sending && res.headersSent)) {
    // Also where it is too late to tell it in a header.
    if (res.destroyed) socket.destroySoon?.()
    else res.once(upgrade ? 'finish' : 'close', () => socket.destroySoon?.())
  }
  const closing = sending || upgrade || CLOSING.has(error.code)
  error.headers = {
    ...retryAfter(error, retryMs),
    // RFC 9110 section 15.5.16: which codings would have been accepted.
    ...(error.code === 'ERR_PLIMSOLL_ENCODING' && { 'Accept-Encoding': 'identity' }),
    ...(closing && !isHttp2(req) && { Connection: 'close' }),
  }
  if (res.headersSent) return
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
}

/** When to come back, where that may help. */
export function retryAfter({ statusCode, code }: PlimsollError, retryMs: number): Record<string, string> {
  return (statusCode === 503 && code !== 'ERR_PLIMSOLL_COST_OVER_BUDGET') || statusCode === 429
    ? { 'Retry-After': String(retryAfterSeconds(retryMs)) }
    : {}
}

/** Between half of that time and all of it, so that those refused together don't come back together. */
function retryAfterSeconds(retryMs: number): number {
  return Math.max(1, Math.ceil((retryMs / 1000) * (0.5 + Math.random() / 2)))
}

/** Answers a refusal as JSON, where no framework does. Nothing where the response is under way or has no reader. */
export function answerRefusal(res: HttpResponse, error: PlimsollError): void {
  // Not by its code: what a handler lets pass may tell of another request's client, whose work it shared.
  if (res.writableEnded || res.destroyed) {
    handlerOver(res)
    return
  }
  if (res.headersSent) {
    // The handler has begun to answer. A cut is all that can still tell the client.
    res.destroy()
    return
  }
  const body = JSON.stringify(refusalBody(error))
  const answer = res as ServerResponse
  forgetBody(answer)
  answer.writeHead(error.statusCode, {
    ...error.headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  answer.end(body)
}

/** Takes off a response what has been said of a body that it will not have. */
export function forgetBody(res: Pick<ServerResponse, 'removeHeader'>): void {
  for (const name of OF_A_BODY) res.removeHeader(name)
}

/** What a refused client reads: Fastify's shape of an error. */
export function refusalBody({ statusCode, code, message }: PlimsollError): object {
  return { statusCode, code, error: STATUS_CODES[statusCode], message }
}

/** Answers the refusal of a body, unless whoever reads it does: he is told by its 'error', which he may only log. */
export function answerForReader(req: HttpRequest, res: HttpResponse, error: PlimsollError): void {
  if (req.listenerCount('error') === 0) {
    takeOver(res, error)
    return
  }
  const timer = setTimeout(() => {
    if (!res.headersSent) takeOver(res, error)
  }, LINGER_MS)
  const answered = (): void => clearTimeout(timer)
  res.once('finish', answered).once('close', answered)
}

/**
 * Answers a refusal in a handler's place. It does not know, and must not fail for it: what it still writes
 * goes nowhere.
 */
function takeOver(res: HttpResponse, error: PlimsollError): void {
  answerRefusal(res, error)
  const nowhere = (...args: unknown[]): HttpResponse => {
    // Who waits for it to be written would wait for ever.
    const done = args.at(-1)
    if (typeof done === 'function') process.nextTick(done as () => void)
    return res
  }
  for (const method of WRITING) Object.defineProperty(res, method, { value: nowhere })
}
