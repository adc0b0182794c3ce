import type { Server, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2Server, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { lingerOnClose } from './lingering-close.ts'
import { bodyOf, type HttpRequest, type HttpResponse, hasNoBody, isHttp2 } from './request-head.ts'

/** A server of node:http, node:https or node:http2. */
export type HttpServer = Server | Http2Server | Http2SecureServer

// Shared by all copies of this package in a process.
const ATTACHED = Symbol.for('plimsoll.attached')
const OWED = Symbol.for('plimsoll.continue')

interface Owing {
  [OWED]?: 'owed' | 'paid' | 'never'
}

/**
 * Lets clients that ask with `Expect: 100-continue` (RFC 9110 section 10.1.1) wait for their answer.
 * Node tells them to go on before anybody has seen the request. From here on `goOn` does, or the first read of the
 * body, for requests that no governor meets. Whoever answers first has spared the client the body.
 *
 * @param mayDefer asked at each such request; else the client is told at once, as Node does
 */
export function deferContinue(
  server: HttpServer & { [ATTACHED]?: true },
  mayDefer: () => boolean = () => true,
): void {
  if (server[ATTACHED]) return
  server[ATTACHED] = true
  // Their types differ in the request only.
  ;(server as Server).prependListener('checkContinue', function (this: Server, req, res) {
    // The application's own listener answers by itself.
    if (this.listenerCount('checkContinue') > 1) return
    if (mayDefer()) defer(req, res)
    else res.writeContinue()
    this.emit('request', req, res)
  })
}

function defer(req: HttpRequest, res: HttpResponse & Owing): void {
  res[OWED] = 'owed'
  // There is nothing to spare the client, and Node would close the connection for a 100 that was never sent.
  if (isEmpty(req)) goOn(res)
  else {
    continueOnRead(req, res)
    // Before Node's own listener, which closes.
    if (!isHttp2(req)) (res as ServerResponse).prependOnceListener('finish', () => answered(req.socket, res))
  }
}

/** Node closes where a client is answered without its 100, and who doesn't wait for that is still sending. */
function answered(socket: Socket, res: Owing): void {
  if (res[OWED] !== 'paid') lingerOnClose(socket)
}

function isEmpty(req: HttpRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if (encoding !== undefined) return false
  return length === undefined ? hasNoBody(req) : Number(length) === 0
}

function continueOnRead(req: HttpRequest, res: HttpResponse): void {
  const body = bodyOf(req)
  const { _read } = body
  const readAfterGoingOn = (size: number): void => {
    body._read = _read
    goOn(res)
    _read.call(body, size)
  }
  body._read = readAfterGoingOn
}

/** Tells a client that waits for it to send its body. Nothing where it does not wait, or is answered. */
export function goOn(res: HttpResponse & Owing): void {
  if (res[OWED] !== 'owed') return
  // Node reads on when a body was left unread after the answer.
  if (isUnderWay(res) || (res as Http2ServerResponse).stream?.closed) return
  res[OWED] = 'paid'
  res.writeContinue()
}

/** Whether any of the answer is out. `writeHead` alone sends nothing yet on HTTP/1: only a private field tells. */
function isUnderWay(res: HttpResponse & { readonly _headerSent?: boolean }): boolean {
  return res.writableEnded || (res._headerSent ?? res.headersSent)
}

/** Of a refused client: no 100 will come, whoever reads the body. */
export function neverGoOn(res: HttpResponse & Owing): void {
  res[OWED] = 'never'
}
