import { AsyncLocalStorage } from 'node:async_hooks'
import { type Reply, send, serve, until } from '@plimsoll/contract'
import { Governor, type RequestHead } from '@plimsoll/core'
import type { Request, RequestHandler, Response } from 'express'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

const KiB = 1024

/** Answers with what the request holds. */
function held(req: Request, res: Response): void {
  res.json({ bytes: req.plimsoll.bytes, released: req.plimsoll.released })
}

async function bytesOf(reply: Promise<Reply>): Promise<unknown> {
  const { status, json } = await reply
  return status === 200 ? json().bytes : status
}

inBoth('mounted once, it governs every request, 404s too', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', logger: silent })
  const app = express().use(governed)
  app.post('/', held)
  const { port } = await serve(t, app, governed.governor)
  t.equal(await bytesOf(send(port, '/', { body: 'seven b' })), 7)
  t.equal((await send(port, '/nowhere', { body: 'x' })).status, 404)
  t.equal((await send(port, '/nowhere', { body: Buffer.alloc(1024 * KiB + 1) })).status, 413)
  t.equal(governed.governor.stats().admitted, 2)
})

inBoth('on one route, it leaves the others alone', async (t, express) => {
  const governor = new Governor({ budget: '64KiB', logger: silent })
  const app = express()
  app.post('/governed', plimsoll({ governor, cost: '10KiB' }), held)
  app.post('/free', (req, res) => {
    res.json(req.plimsoll === undefined)
  })
  const { port } = await serve(t, app, governor)
  t.equal(await bytesOf(send(port, '/governed', { body: 'x' })), 10 * KiB)
  t.equal((await send(port, '/free', { body: Buffer.alloc(65 * KiB) })).text, 'true')
  t.equal(governor.stats().admitted, 1)
})

inBoth('a route\u2019s own policy adjusts what the application\u2019s has reserved', async (t, express) => {
  const governed = plimsoll({ budget: '64KiB', maxBody: '2KiB', logger: silent })
  const { governor } = governed
  const app = express().use(governed)
  app.get('/costs', plimsoll({ governor, cost: '10KiB' }), held)
  app.post('/costs-less', plimsoll({ governor, cost: 1 }), held)
  app.post('/exempt', plimsoll({ governor, exempt: true }), held)
  app.post('/stream', plimsoll({ governor, body: 'stream' }), held)
  app.post('/smaller', plimsoll({ governor, maxBody: 10 }), held)
  app.post('/needs-length', plimsoll({ governor, requireLength: true }), held)
  app.get('/never', plimsoll({ governor, cost: '65KiB' }), held)
  app.post('/twice', plimsoll({ governor, cost: 20 }), plimsoll({ governor, cost: 30 }), held)
  const { port } = await serve(t, app, governor)
  const body = 'x'.repeat(100)
  const chunked = { 'transfer-encoding': 'chunked' }
  t.equal(await bytesOf(send(port, '/costs')), 10 * KiB)
  t.equal(await bytesOf(send(port, '/costs-less', { body })), 1)
  t.equal(await bytesOf(send(port, '/exempt', { body })), 0)
  t.equal(await bytesOf(send(port, '/stream', { body })), 100)
  t.equal(await bytesOf(send(port, '/smaller', { body })), 413)
  t.equal(await bytesOf(send(port, '/needs-length', { body, headers: chunked })), 411)
  t.equal(await bytesOf(send(port, '/never')), 503)
  t.equal(await bytesOf(send(port, '/twice', { body })), 30)
  t.match(governor.stats().refused, {
    ERR_PLIMSOLL_BODY_TOO_LARGE: 1,
    ERR_PLIMSOLL_LENGTH_REQUIRED: 1,
    ERR_PLIMSOLL_COST_OVER_BUDGET: 1,
  })
})

inBoth('a router and a sub-application are governed like routes', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', logger: silent })
  const { governor } = governed
  const router = express.Router()
  router.use(plimsoll({ governor, cost: '10KiB' }))
  router.get('/of-router', held)
  const sub = express()
  sub.use(plimsoll({ governor, cost: '20KiB' }))
  sub.get('/of-sub', held)
  // Of its own: the first governor a request meets is the one that governs it.
  const own = plimsoll({ budget: 0, logger: silent })
  const other = express().use(own)
  other.get('/', held)
  const app = express()
  app.use(governed)
  app.use('/router', router as RequestHandler)
  app.use('/sub', sub)
  app.use('/other', other)
  const { port } = await serve(t, app, governor)
  t.equal(await bytesOf(send(port, '/router/of-router')), 10 * KiB)
  t.equal(await bytesOf(send(port, '/sub/of-sub')), 20 * KiB)
  t.equal(await bytesOf(send(port, '/other')), 0)
  t.equal(own.governor.stats().admitted, 0)
  t.equal((await send(port, '/sub/nowhere')).status, 404)
})

inBoth('two applications share one governor', async (t, express) => {
  const governor = new Governor({ budget: '1KiB', queue: { limit: 0 }, logger: silent })
  const open: Response[] = []
  const one = express().use(plimsoll({ governor, cost: 600 }))
  one.get('/', (_req, res) => {
    open.push(res)
  })
  const other = express().use(plimsoll({ governor, cost: 500 }))
  other.get('/', held)
  const [first, second] = [await serve(t, one, governor), await serve(t, other, governor)]
  const kept = send(first.port, '/')
  await until(() => open.length === 1, 'a request in the first application')
  t.equal(await bytesOf(send(second.port, '/')), 503, 'the first holds what the second needs')
  open[0]?.send('done')
  t.equal((await kept).text, 'done')
  await first.idle()
  t.equal(await bytesOf(send(second.port, '/')), 500)
})

inBoth('behind a proxy, all that Express tells of a request is as without us', async (t, express) => {
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const app = express().set('trust proxy', true).use(governed)
  app.get('/', ({ ip, protocol, hostname, originalUrl }, res) => {
    res.json({ ip, protocol, hostname, originalUrl })
  })
  const { port } = await serve(t, app, governed.governor)
  const headers = {
    'x-forwarded-for': '203.0.113.7, 10.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'app.example',
  }
  const taken = governed.governor.budget.tryAcquire(1)
  const waited = send(port, '/?a=b', { headers })
  await until(() => governed.governor.stats().waiting === 1, 'one that waits')
  taken?.release()
  for (const reply of [waited, send(port, '/?a=b', { headers })]) {
    t.strictSame((await reply).json(), {
      ip: '203.0.113.7',
      protocol: 'https',
      hostname: 'app.example',
      originalUrl: '/?a=b',
    })
  }
})

inBoth(
  'functions are told the url as the client has sent it, wherever they are mounted',
  async (t, express) => {
    const told: string[] = []
    const note = ({ url }: RequestHead): number => {
      told.push(url)
      return 1
    }
    const exempt = ({ url }: RequestHead): boolean => url === '/health'
    const governor = new Governor({ budget: '1KiB', exempt, logger: silent })
    const router = express.Router()
    router.use(plimsoll({ governor, cost: note }))
    router.get('/health', held)
    const app = express().use('/tenant', router as RequestHandler)
    app.get('/health', plimsoll({ governor, cost: note }), held)
    const { port } = await serve(t, app, governor)
    t.equal(await bytesOf(send(port, '/tenant/health?deep=1')), 1, 'of another name is not exempt')
    t.equal(await bytesOf(send(port, '/health')), 0)
    t.strictSame(told, ['/tenant/health?deep=1'])
  },
)

inBoth('who waits goes on in its own asynchronous context', async (t, express) => {
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const storage = new AsyncLocalStorage<string>()
  const app = express()
  app.use((req, _res, next) => storage.run(req.url, next))
  app.use(governed)
  app.use((_req, res) => {
    res.send(storage.getStore())
  })
  const { port } = await serve(t, app, governed.governor)
  const taken = governed.governor.budget.tryAcquire(1)
  const replies = ['/a', '/b', '/c'].map(path => send(port, path))
  await until(() => governed.governor.stats().waiting === 3, 'three that wait')
  taken?.release()
  t.strictSame(await Promise.all(replies.map(async reply => (await reply).text)), ['/a', '/b', '/c'])
})

inBoth('closing refuses new ones and those who wait, and lets the admitted finish', async (t, express) => {
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const { governor } = governed
  const open: Response[] = []
  const app = express().use(governed)
  app.get('/', (_req, res) => {
    open.push(res)
  })
  const { port } = await serve(t, app, governor)
  const admitted = send(port, '/')
  await until(() => open.length === 1, 'one that is admitted')
  const waiting = send(port, '/')
  await until(() => governor.stats().waiting === 1, 'one that waits')
  const closed = governor.close()
  const replies = [await waiting, await send(port, '/')]
  for (const { status, headers, json } of replies) {
    t.match([status, headers.connection, json().code], [503, 'close', 'ERR_PLIMSOLL_CLOSED'])
    t.match(headers['retry-after'], /^\d+$/)
  }
  open[0]?.send('done')
  t.equal((await admitted).text, 'done')
  await closed
})

inBoth(
  'a policy after the application’s that finds no room is told where to go, once',
  async (t, express) => {
    const told: string[] = []
    const warn = (_details: object, message: string): void => void told.push(message)
    const governor = new Governor({ budget: '64KiB', logger: { ...silent, warn } })
    const app = express().use(plimsoll({ governor }))
    app.post('/', plimsoll({ governor, cost: '32KiB' }), held)
    const { port } = await serve(t, app, governor)
    const taken = governor.budget.tryAcquire('40KiB')
    for (let n = 0; n < 3; n++) t.equal((await send(port, '/', { body: 'x' })).status, 503)
    t.equal(told.length, 1)
    t.match(told[0], /mount the route's policy before the application's/)
    taken?.release()
  },
)
