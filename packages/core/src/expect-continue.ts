import type { Server } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Readable } from 'node:stream'
import { type HttpRequest, type HttpResponse, isHttp2 } from './request-head.ts'

/** A server of node:http, node:https or node:http2. */
export type HttpServer = Server | Http2Server | Http2SecureServer

// Shared by all copies of this package in a process.
const ATTACHED = Symbol.for('plimsoll.attached')
const OWED = Symbol.for('plimsoll.continue')

interface Owing {
  [OWED]?: boolean
}

/**
 * Lets clients that ask with `Expect: 100-continue` (RFC 9110 section 10.1.1) wait for their answer.
 * Node tells them to go on before anybody has seen the request. From here on `goOn` does, or the first read of the
 * body, for requests that no governor meets. Whoever answers first has spared the client the body.
 */
export function deferContinue(server: HttpServer & { [ATTACHED]?: true }): void {
  if (server[ATTACHED]) return
  server[ATTACHED] = true
  // Their types differ in the request only.
  ;(server as Server).on('checkContinue', onCheckContinue)
}

function onCheckContinue(this: Server, req: HttpRequest, res: HttpResponse & Owing): void {
  // The application's own listener answers by itself.
  if (this.listenerCount('checkContinue') > 1) return
  res[OWED] = true
  const body: Readable = isHttp2(req) ? req.stream : req
  const { _read } = body
  body._read = size => {
    body._read = _read
    goOn(res)
    _read.call(body, size)
  }
  this.emit('request', req, res)
}

/** Tells a client that waits for it to send its body. Nothing where it does not wait, or is answered. */
export function goOn(res: HttpResponse & Owing): void {
  if (!res[OWED]) return
  res[OWED] = false
  // Node reads on when a body was left unread after the answer.
  if (!res.headersSent) res.writeContinue()
}
