import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { BareClient, chunk, head, open, replyTo, send, serve, until } from '@plimsoll/contract'
import compression from 'compression'
import type { RequestHandler } from 'express'
import morgan from 'morgan'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

const MiB = 2 ** 20

inBoth('a refused client reads the shape that Fastify\u2019s errors have', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', queue: { limit: 0 }, logger: silent })
  const app = express().use(governed)
  const server = await serve(t, app, governed.governor)

  const large = await send(server.port, '/', { body: Buffer.alloc(2 * MiB) })
  t.equal(large.status, 413)
  t.equal(large.headers['content-type'], 'application/json; charset=utf-8')
  t.strictSame(large.json(), {
    statusCode: 413,
    code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET',
    error: 'Payload Too Large',
    message: 'The request body is too large',
  })

  const taken = governed.governor.budget.tryAcquire('1MiB')
  const busy = await send(server.port, '/', { body: 'x' })
  t.equal(busy.status, 503)
  t.match(busy.headers['retry-after'], /^\d+$/)
  t.equal(busy.headers.connection, 'keep-alive', 'a small body is read to its end')
  t.strictSame(busy.json(), {
    statusCode: 503,
    code: 'ERR_PLIMSOLL_QUEUE_FULL',
    error: 'Service Unavailable',
    message: 'Too many requests wait already',
  })
  taken?.release()
})

inBoth('a refused HEAD request has an answer without a body', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', cost: '1MiB', queue: { limit: 0 }, logger: silent })
  const server = await serve(t, express().use(governed), governed.governor)
  const taken = governed.governor.budget.tryAcquire('1MiB')
  const { status, text } = await send(server.port, '/', { method: 'HEAD' })
  t.strictSame([status, text], [503, ''])
  taken?.release()
})

inBoth('a refusal keeps what was set before, but for what describes another body', async (t, express) => {
  const governed = plimsoll({ budget: 0, logger: silent })
  const app = express()
  app.use((_req, res, next) => {
    res.set({
      'Access-Control-Allow-Origin': 'https://app.example',
      'X-Request-Id': 'request-7',
      Vary: 'Origin',
      'Cache-Control': 'public, max-age=3600',
      'Content-Encoding': 'gzip',
      'Content-Language': 'de',
      ETag: '"an-entity"',
      'Last-Modified': 'Sat, 21 Nov 2026 12:00:00 GMT',
    })
    res.type('html')
    next()
  })
  app.use(governed)
  const server = await serve(t, app, governed.governor)
  const { status, headers, json } = await send(server.port, '/', { body: 'x' })
  t.equal(status, 413)
  t.match(json(), { statusCode: 413 })
  t.match(headers, {
    'access-control-allow-origin': 'https://app.example',
    'x-request-id': 'request-7',
    vary: 'Origin',
    'content-type': 'application/json; charset=utf-8',
  })
  for (const name of ['cache-control', 'content-encoding', 'content-language', 'etag', 'last-modified']) {
    t.notOk(name in headers, name)
  }
})

inBoth('compression, mounted before, compresses refusals and responses as ever', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', maxBody: '1KiB', logger: silent })
  const app = express()
  app.use(compression({ threshold: 0 }))
  app.use(governed)
  app.post('/ignored', () => {
    // Never reads its body, and never answers: it is refused in its place.
  })
  app.get('/json', (_req, res) => res.json({ text: 'of a handler' }))
  app.get('/stream', (_req, res) => {
    res.type('text').write('first ')
    setImmediate(() => res.end('last'))
  })
  const server = await serve(t, app, governed.governor)

  const read = async (path: string, body?: Buffer, headers = {}): Promise<[number | undefined, string]> => {
    const req = open(server.port, path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'accept-encoding': 'gzip', ...headers },
    })
    req.end(body)
    const [res] = await once(req, 'response')
    t.equal(res.headers['content-encoding'], 'gzip', path)
    const whole = await text(res.setEncoding('latin1'))
    return [res.statusCode, gunzipSync(Buffer.from(whole, 'latin1')).toString()]
  }
  const [status, refusal] = await read('/', Buffer.alloc(2048))
  t.match([status, JSON.parse(refusal)], [413, { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }])
  const chunked = await read('/ignored', Buffer.alloc(2048), { 'transfer-encoding': 'chunked' })
  t.match([chunked[0], JSON.parse(chunked[1])], [413, { statusCode: 413 }])
  t.strictSame(await read('/json'), [200, '{"text":"of a handler"}'])
  t.strictSame(await read('/stream'), [200, 'first last'])
  await server.idle()
})

inBoth('a request log, mounted before, has refusals as it has answers', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', logger: silent })
  let log = ''
  const write = (line: string): void => {
    log += line
  }
  const app = express()
  app.use(morgan(':method :url :status :res[content-length]', { stream: { write } }))
  app.use(governed)
  app.post('/', express.text(), (_req, res) => {
    res.send('stored')
  })
  const server = await serve(t, app, governed.governor)
  const refused = await send(server.port, '/upload?a=b', { body: Buffer.alloc(2 * MiB) })
  await send(server.port, '/', { body: 'x' })
  await until(() => log.split('\n').length === 3, 'two lines')
  t.equal(log, `POST /upload?a=b 413 ${refused.text.length}\nPOST / 200 6\n`)
})

inBoth(
  'a body refused while it is read is answered by Express\u2019s own last handler',
  async (t, express) => {
    const governed = plimsoll({ budget: '1MiB', logger: silent })
    const app = express().set('env', 'production')
    const logged = t.capture(console, 'error', () => {}).args
    app.use(governed)
    app.post('/', express.raw({ type: () => true, limit: '1gb' }), (_req, res) => {
      res.send('stored')
    })
    const server = await serve(t, app, governed.governor)
    const client = await BareClient.to(server.port)
    client.write(head('POST /', { 'transfer-encoding': 'chunked' }))
    client.writeEndlessly(chunk(Buffer.alloc(65536)))
    await client.reads(/^HTTP\/1\.1 413 [\s\S]+<pre>Payload Too Large<\/pre>/)
    t.match(client.received, /\r\nconnection: close\r\n/i)
    client.leave()
    await server.idle()
    await until(() => logged().length === 1, 'Express to print an error that no handler takes')
  },
)

inBoth('a body refused where nobody reads it is answered here', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', maxBody: 10, logger: silent })
  const app = express()
  let late: (() => unknown) | undefined
  app.use(governed)
  app.post('/', (_req, res) => {
    late = () => res.status(200).set('x-late', 'yes').json({ late: true })
  })
  const server = await serve(t, app, governed.governor)
  const { status, json } = await send(server.port, '/', {
    body: 'more than ten',
    headers: { 'transfer-encoding': 'chunked' },
  })
  t.match([status, json()], [413, { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }])
  // It could not know, and must not fail for it.
  late?.()
})

inBoth('a client that leaves while it waits meets no handler, and nobody answers it', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', cost: '1MiB', logger: silent })
  let handled = 0
  const app = express()
  app.use(governed)
  app.get('/', (_req, res) => {
    handled++
    res.send('handled')
  })
  const server = await serve(t, app, governed.governor)
  const taken = governed.governor.budget.tryAcquire('1MiB')
  const client = await BareClient.to(server.port)
  client.write(head('GET /'))
  await until(() => governed.governor.stats().waiting === 1, 'one that waits')
  client.leave()
  await until(() => governed.governor.stats().waiting === 0, 'its end')
  taken?.release()
  t.strictSame([handled, governed.governor.stats().refused], [0, { ERR_PLIMSOLL_CLIENT_GONE: 1 }])
  t.equal((await send(server.port, '/')).text, 'handled')
})

inBoth('a request in a log of refusals has its whole path', async (t, express) => {
  const lines: unknown[] = []
  const logger = { ...silent, warn: (details: object) => lines.push(details) }
  const governed = plimsoll({ budget: 0, logger })
  const router = express.Router().use(governed)
  const app = express().use('/api/v1', router as RequestHandler)
  const server = await serve(t, app, governed.governor)
  const { status } = await send(server.port, '/api/v1/documents?secret=7', { body: 'x' })
  t.equal(status, 413)
  t.match(lines, [{ method: 'POST', url: '/api/v1/documents' }])
})

inBoth('what a broken logger throws goes to the error handlers, waited or not', async (t, express) => {
  const fault = new Error('the logger is broken')
  const warn = (): never => {
    throw fault
  }
  const seen: unknown[] = []
  const governed = plimsoll({ budget: 1, queue: { timeoutMs: 1 }, logger: { ...silent, warn } })
  const app = express()
  app.use(governed)
  app.use(((error, _req, res, _next) => {
    seen.push(error)
    res.status(500).send('broken')
  }) as import('express').ErrorRequestHandler)
  const server = await serve(t, app, governed.governor)
  t.equal((await send(server.port, '/', { body: 'too large' })).text, 'broken')
  const taken = governed.governor.budget.tryAcquire(1)
  t.equal((await replyTo(open(server.port, '/', { body: 'x' }).end('x'))).text, 'broken')
  taken?.release()
  t.strictSame(seen, [fault, fault])
})
