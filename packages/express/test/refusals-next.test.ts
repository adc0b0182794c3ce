import { once } from 'node:events'
import { BareClient, head, send, serve, until } from '@plimsoll/contract'
import type { ErrorRequestHandler } from 'express'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

const MiB = 2 ** 20

inBoth('an error handler sees the status, headers and code of a refusal', async (t, express) => {
  const governed = plimsoll({ refusals: 'next', budget: '1MiB', queue: { limit: 0 }, logger: silent })
  const app = express().use(governed)
  const seen: Record<string, unknown>[] = []
  const onError: ErrorRequestHandler = (error, req, res, _next) => {
    const { name, status, statusCode, code, expose, message, headers } = error
    seen.push({ name, status, statusCode, code, expose, message, headers })
    res.status(status).set(headers).json({ mine: code, held: req.plimsoll.bytes })
  }
  app.use(onError)
  const { port } = await serve(t, app, governed.governor)
  const large = await send(port, '/', { body: Buffer.alloc(2 * MiB) })
  t.match([large.status, large.json()], [413, { mine: 'ERR_PLIMSOLL_BODY_OVER_BUDGET', held: 0 }])
  const taken = governed.governor.budget.tryAcquire('1MiB')
  const busy = await send(port, '/', { body: 'x' })
  t.match([busy.status, busy.json()], [503, { mine: 'ERR_PLIMSOLL_QUEUE_FULL' }])
  t.match(busy.headers['retry-after'], /^\d+$/)
  taken?.release()
  t.match(seen, [
    {
      name: 'PlimsollError',
      status: 413,
      statusCode: 413,
      code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET',
      expose: true,
      message: 'The request body is too large',
      headers: { Connection: 'close' },
    },
    { status: 503, expose: false, headers: { 'Retry-After': /^\d+$/ } },
  ])
})

inBoth(
  'Express\u2019s own last handler answers while most of the body is still to come',
  async (t, express) => {
    const governed = plimsoll({ refusals: 'next', budget: '1MiB', logger: silent })
    for (const env of ['production', 'development']) {
      const app = express().set('env', env).use(governed)
      const logged = t.capture(console, 'error', () => {}).args
      const server = await serve(t, app, governed.governor)
      const client = await BareClient.to(server.port)
      client.write(head('POST /', { 'content-length': 16 * MiB }))
      client.write(Buffer.alloc(MiB))
      await client.reads(/^HTTP\/1\.1 413 [\s\S]+<\/html>/)
      t.match(client.received, /\r\nconnection: close\r\n/i)
      t.equal(
        /governor\.ts|PlimsollError/.test(client.received),
        env !== 'production',
        'stacks are for development',
      )
      client.leave()
      await until(() => logged().length > 0, 'Express to print an error that no handler takes')
    }
  },
)

inBoth('an error handler that takes its time finds the request as it was', async (t, express) => {
  const governed = plimsoll({ refusals: 'next', budget: '1MiB', queue: { timeoutMs: 1 }, logger: silent })
  const app = express().set('trust proxy', true).use(governed)
  app.use((async (error, req, res, _next) => {
    const now = (): unknown[] => [req.ip, req.protocol, req.socket.remoteAddress, req.get('x-mark'), req.url]
    const at = now()
    // Until the body that was thrown away is over.
    if (!req.closed) await once(req, 'close')
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
    res.status(error.status).json({ at, later: now() })
  }) as ErrorRequestHandler)
  const { port } = await serve(t, app, governed.governor)
  const headers = { 'x-forwarded-for': '203.0.113.7', 'x-mark': 'a mark' }
  const wanted = ['203.0.113.7', 'http', '127.0.0.1', 'a mark', '/path']
  const large = await send(port, '/path', { headers, body: Buffer.alloc(2 * MiB) })
  t.match([large.status, large.json()], [413, { at: wanted, later: wanted }])
  const taken = governed.governor.budget.tryAcquire('1MiB')
  for (const framing of [{}, { 'transfer-encoding': 'chunked' }]) {
    const late = await send(port, '/path', { headers: { ...headers, ...framing }, body: 'x' })
    t.match([late.status, late.json()], [503, { at: wanted, later: wanted }])
  }
  taken?.release()
})

inBoth('a handler that never answers holds nothing, and its client may leave', async (t, express) => {
  const governed = plimsoll({ refusals: 'next', budget: '1MiB', logger: silent })
  let errors = 0
  const app = express().use(governed)
  app.use(((_error, _req, _res, _next) => {
    errors++
  }) as ErrorRequestHandler)
  const server = await serve(t, app, governed.governor)
  const client = await BareClient.to(server.port)
  client.write(head('POST /', { 'content-length': 2 * MiB }))
  await until(() => errors === 1, 'a refusal')
  t.equal(governed.governor.stats().reserved, 0)
  client.leave()
  await server.idle()
})

inBoth('a client that left is nobody to answer, so no error handler is asked', async (t, express) => {
  const governed = plimsoll({ refusals: 'next', budget: 1, cost: 1, logger: silent })
  let errors = 0
  const app = express().use(governed)
  app.use(((_error, _req, res, _next) => {
    errors++
    res.end()
  }) as ErrorRequestHandler)
  const { port } = await serve(t, app, governed.governor)
  const taken = governed.governor.budget.tryAcquire(1)
  const client = await BareClient.to(port)
  client.write(head('GET /'))
  await until(() => governed.governor.stats().waiting === 1, 'one that waits')
  client.leave()
  await until(() => governed.governor.stats().refused.ERR_PLIMSOLL_CLIENT_GONE === 1, 'its end')
  taken?.release()
  t.equal((await send(port, '/')).status, 404)
  t.equal(errors, 0)
})

inBoth(
  'a connection whose small body was refused, and never read, takes the next request',
  async (t, express) => {
    const governed = plimsoll({ refusals: 'next', budget: '1MiB', queue: { timeoutMs: 100 }, logger: silent })
    const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(error.status).end()
    const app = express()
      .use(governed, (_req, res) => void res.send('served'))
      .use(onError)
    const { port } = await serve(t, app, governed.governor)
    const taken = governed.governor.budget.tryAcquire('1MiB')
    const client = await BareClient.to(port)
    client.write(head('POST /', { 'content-length': 60_000 }))
    client.write(Buffer.alloc(30_000))
    await until(() => governed.governor.stats().waiting === 1, 'its place in the queue')
    client.write(Buffer.alloc(30_000))
    await client.reads(/^HTTP\/1\.1 503 /)
    taken?.release()
    client.write(head('GET /'))
    await client.reads(/served$/)
    client.leave()
  },
)
