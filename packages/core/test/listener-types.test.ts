import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import https from 'node:https'
import t from 'tap'
import { Governor } from '../src/governor.ts'
import type { HttpRequest, HttpResponse } from '../src/request-head.ts'
import { silent } from './fixtures/recording-logger.ts'

// Checked by `tsc -p tsconfig.json`: a handler that needs a cast, or gets `any`, fails there.

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

t.test('a handler is typed by the server it is for', async t => {
  const governor = new Governor({ budget: '1MiB', logger: silent })

  http.createServer(
    governor.listener((req, res) => {
      same<typeof req, IncomingMessage>(true)
      same<typeof res, ServerResponse>(true)
      res.end(req.url)
    }),
  )
  https.createServer(
    {},
    governor.listener(async (req, res) => {
      same<typeof req, IncomingMessage>(true)
      res.end(req.url)
    }),
  )
  http2.createServer(
    governor.listener((req, res) => {
      same<typeof req, Http2ServerRequest>(true)
      same<typeof res, Http2ServerResponse<Http2ServerRequest>>(true)
      res.stream.respond({ ':path': req.authority })
    }),
  )
  // With options Node's own types are generic, and tell a generic function nothing.
  http2.createSecureServer(
    { allowHTTP1: true },
    governor.listener(async (req: Http2ServerRequest, res: Http2ServerResponse) => {
      res.end(req.authority)
    }),
  )
  http2.createServer(
    {},
    governor.listener((req: Http2ServerRequest, res: Http2ServerResponse) => {
      res.end(req.authority)
    }),
  )
  http.createServer().on(
    'request',
    governor.listener((req, res) => {
      same<typeof req, IncomingMessage>(true)
      res.end(req.url)
    }),
  )
  http2.createServer().on(
    'request',
    governor.listener((req, res) => {
      same<typeof req, Http2ServerRequest>(true)
      res.end(req.url)
    }),
  )

  const alone = governor.listener((req, res) => {
    same<typeof req, IncomingMessage>(true)
    same<typeof res, ServerResponse>(true)
    res.end(req.url)
  })
  http.createServer(alone)

  const named = (_req: Http2ServerRequest, res: Http2ServerResponse): void => {
    res.end()
  }
  http2.createServer(governor.listener(named))
  // @ts-expect-error a handler of HTTP/2 is none of HTTP/1
  http.createServer(governor.listener(named))

  const both = (_req: HttpRequest, res: HttpResponse): void => {
    res.statusCode = 204
    res.end()
  }
  http.createServer(governor.listener(both))
  http2.createServer(governor.listener(both))

  // @ts-expect-error a handler takes a request and a response
  governor.listener((req: IncomingMessage, res: ServerResponse, next: () => void) => next(req, res))
  t.equal(typeof alone, 'function')
})

t.test('every kind of server can be attached', async t => {
  const governor = new Governor({ budget: '1MiB', logger: silent })
  for (const server of [
    http.createServer(),
    https.createServer(),
    http2.createServer(),
    http2.createSecureServer(),
  ]) {
    governor.attach(server)
    t.equal(server.listenerCount('checkContinue'), 1)
  }
  // @ts-expect-error a listener is no server
  t.throws(() => governor.attach(() => {}), { code: 'ERR_PLIMSOLL_OPTION' })
})
