import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent } from 'node:http'
import { send, serve, turns, until } from '@plimsoll/contract'
import { Governor, type Logger, type RepeatedMessage } from '@plimsoll/core'
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express'
import t, { type Test } from 'tap'
import { plimsoll, type RunOnceMiddlewareOptions, runOnce } from '../src/index.ts'
import { twiceAtOnce, twiceInPromise, twiceInTimer } from './fixtures/culprits.ts'
import { type Express, inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

interface Point {
  readonly once: ReturnType<typeof runOnce>
  readonly reports: readonly { readonly url: string; readonly err: Error }[]
}

/** A point that keeps what it reports. */
function point(options: RunOnceMiddlewareOptions = {}): Point {
  const reports: Point['reports'][number][] = []
  const warn = (details: object): void => {
    reports.push(details as Point['reports'][number])
  }
  return { once: runOnce({ logger: { ...silent, warn } as Logger, ...options }), reports }
}

interface Handled {
  readonly port: number
  /** Urls that have reached the handler. */
  readonly urls: string[]
  /** Urls that have reached the handler behind it. */
  readonly strays: string[]
  readonly errors: Error[]
}

/** Serves what is mounted, with a handler behind it that answers asynchronously, as most do, and with another one. */
async function handling(
  t: Test,
  express: Express,
  mount: (app: ReturnType<Express>) => void,
): Promise<Handled> {
  const [urls, strays, errors]: [string[], string[], Error[]] = [[], [], []]
  const app = express()
  mount(app)
  app.use(async (req, res) => {
    urls.push(req.originalUrl)
    await turns()
    if (res.headersSent) errors.push(new Error('answered already'))
    else res.send('handled')
  })
  app.use((req, res) => {
    strays.push(req.originalUrl)
    res.send('stray')
  })
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error)
    if (!res.headersSent) res.status(error.status ?? 500).send('failed')
  }
  app.use(onError)
  const { port } = await serve(t, app, new Governor({ budget: '1MiB', logger: silent }))
  return { port, urls, strays, errors }
}

/** That one request was handled once, and nothing else has come of it. */
function handledOnce(t: Test, { urls, strays, errors }: Handled, url = '/'): void {
  t.strictSame({ urls, strays, errors }, { urls: [url], strays: [], errors: [] }, 'it is handled once')
}

const CULPRITS = Object.entries({
  'at once': twiceAtOnce,
  'in a timer': twiceInTimer,
  'in a promise': twiceInPromise,
})

inBoth('without us a second next() has a request handled by whoever comes next, too', async (t, express) => {
  const handled = await handling(t, express, app => app.use(twiceAtOnce))
  t.match(await send(handled.port, '/'), { text: 'stray' })
  await until(() => handled.errors.length === 1, 'the end of the first')
  t.match(handled, { urls: ['/'], strays: ['/'], errors: [{ message: 'answered already' }] })
})

inBoth('beside a governor that only observes a second next() is counted, and passes', async (t, express) => {
  const governor = new Governor({ budget: '1MiB', mode: 'observe' })
  const { once, reports } = point({ governor })
  const handled = await handling(t, express, app => app.use(once).use(twiceAtOnce))
  await send(handled.port, '/')
  await until(() => handled.strays.length === 1, 'the second pass')
  t.same(handled.urls, ['/'])
  t.equal(governor.stats().repeated, 1)
  t.equal(once.repeated, 1)
  t.same(reports, [], 'nothing was stopped')
})

for (const [when, culprit] of CULPRITS) {
  inBoth(`a second next() ${when} is stopped, counted and reported with its stack`, async (t, express) => {
    const governor = new Governor({ budget: '1MiB' })
    const { once, reports } = point({ governor })
    const published: RepeatedMessage[] = []
    const onRepeated = (message: unknown): void => {
      published.push(message as RepeatedMessage)
    }
    subscribe('plimsoll:repeated', onRepeated)
    t.teardown(() => unsubscribe('plimsoll:repeated', onRepeated))
    const handled = await handling(t, express, app => app.use(once).use(culprit))
    t.match(await send(handled.port, '/path?secret=7'), { status: 200, text: 'handled' })
    await until(() => once.repeated === 1, 'the second call')
    await turns()
    handledOnce(t, handled, '/path?secret=7')
    t.equal(governor.stats().repeated, 1)
    t.match(reports, [{ code: 'ERR_PLIMSOLL_PASSED_TWICE', method: 'GET', url: '/path', err: Error }])
    const [, first] = String(reports[0]?.err.stack).split('\n')
    t.match(
      first,
      new RegExp(`at (?:Timeout\\.)?${culprit.name} .*culprits\\.ts:\\d+`),
      'the stack begins with the culprit',
    )
    t.match(published, [{ request: { method: 'GET' }, error: reports[0]?.err }])
  })
}

inBoth('each culprit is reported once, however many requests it repeats', async (t, express) => {
  const { once, reports } = point()
  const handled = await handling(t, express, app => {
    app.use(once)
    // What comes before differs: a body is parsed, or there is none.
    app.use(express.json())
    for (const [, culprit] of CULPRITS) app.use(`/${culprit.name}`, culprit)
    app.use((_req, _res, next) => next())
  })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const headers = { 'content-type': 'application/json' }
  for (let n = 0; n < 50; n++) {
    await Promise.all(
      CULPRITS.map(([, { name }]) =>
        send(handled.port, `/${name}`, n % 2 ? { agent } : { headers, body: '{"some":"body"}' }),
      ),
    )
  }
  await until(
    () => once.repeated === 150,
    () => `150 second calls, ${once.repeated} so far`,
  )
  t.strictSame([handled.urls.length, handled.strays, handled.errors], [150, [], []])
  const culprits = reports.map(
    ({ err }) =>
      /at (?:Timeout\.)?(\w+) (?:\[as _onTimeout\] )?\(.*culprits\.ts/.exec(err.stack as string)?.[1],
  )
  t.strictSame(culprits.sort(), ['twiceAtOnce', 'twiceInPromise', 'twiceInTimer'])
})

inBoth('with \u2018throw\u2019 the culprit\u2019s own second call throws', async (t, express) => {
  const { once, reports } = point({ action: 'throw' })
  const caught: unknown[] = []
  const handled = await handling(t, express, app => {
    app.use(once)
    app.use('/caught', (_req, _res, next) => {
      next()
      try {
        next()
      } catch (error) {
        caught.push(error)
      }
    })
    app.use('/uncaught', twiceAtOnce)
  })
  t.match(await send(handled.port, '/caught'), { status: 200, text: 'handled' })
  t.match(caught, [{ code: 'ERR_PLIMSOLL_PASSED_TWICE', stack: /run-once\.test\.ts/ }])
  // Express passes on what its middleware throws.
  t.match(await send(handled.port, '/uncaught'), { status: 500, text: 'failed' })
  t.match(handled.errors, [{ code: 'ERR_PLIMSOLL_PASSED_TWICE', stack: /culprits\.ts/ }])
  t.strictSame([once.repeated, reports, handled.strays], [2, [], []])
})

inBoth(
  'a culprit is seen wherever it is mounted: route, router, sub-application, error handler',
  async (t, express) => {
    const { once, reports } = point()
    const router = express.Router().use(twiceAtOnce)
    const sub = express()
    sub.use(twiceAtOnce)
    const fails: RequestHandler = (_req, _res, next) => next(new Error('handled'))
    const handler: ErrorRequestHandler = (_error, _req, _res, next) => {
      next()
      next()
    }
    const handled = await handling(t, express, app => {
      app.use(once)
      app.get('/route', twiceAtOnce, (_req, _res, next) => next())
      app.use('/router', router as RequestHandler)
      app.use('/sub', sub)
      app.use('/error', fails, handler)
    })
    for (const path of ['/route', '/router', '/sub', '/error']) {
      t.equal((await send(handled.port, path)).text, 'handled', path)
    }
    t.strictSame(handled.strays, [])
    t.strictSame([once.repeated, reports.length], [4, 2])
  },
)

inBoth('what is mounted before goes on as it did', async (t, express) => {
  const { once } = point()
  const handled = await handling(t, express, app => app.use(twiceAtOnce).use(once))
  t.equal((await send(handled.port, '/')).text, 'stray')
  t.equal(once.repeated, 0)
})

inBoth('of several points the last one that was passed counts', async (t, express) => {
  const [first, second, third] = [point(), point(), point()]
  const handled = await handling(t, express, app => {
    app.use(first.once)
    app.use('/of-first', twiceAtOnce)
    app.use(second.once)
    app.use(twiceAtOnce)
    app.use('/of-third', third.once, twiceAtOnce)
  })
  for (const path of ['/', '/of-first', '/of-third'])
    t.equal((await send(handled.port, path)).text, 'handled')
  t.strictSame([first.once.repeated, second.once.repeated, third.once.repeated], [1, 3, 1])
  t.strictSame(handled.strays, [])
})

inBoth('a new request on a connection is a new request', async (t, express) => {
  const { once } = point()
  const handled = await handling(t, express, app => app.use(once))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  await Promise.all(Array.from({ length: 10 }, () => send(handled.port, '/', { agent })))
  t.strictSame([once.repeated, handled.urls.length], [0, 10])
})

inBoth('who goes on to another route calls next() once', async (t, express) => {
  const { once, reports } = point()
  const pass = (to?: string) => (_req: Request, _res: Response, next: NextFunction) => next(to as 'route')
  const router = express.Router()
  router.get('/router', pass('router'), pass())
  const handled = await handling(t, express, app => {
    app.use(once)
    app.get('/route', pass('route'), pass())
    app.get('/route', pass(), pass())
    app.use(router as RequestHandler)
  })
  for (const path of ['/route', '/router']) t.equal((await send(handled.port, path)).text, 'handled')
  t.strictSame([once.repeated, reports, handled.urls], [0, [], ['/route', '/router']])
})

inBoth('a second next(\u2018route\u2019) is a second next()', async (t, express) => {
  const { once } = point()
  const handled = await handling(t, express, app => {
    app.use(once)
    app.get('/', (_req, _res, next) => {
      next()
      next('route')
      next('router')
    })
  })
  t.equal((await send(handled.port, '/')).text, 'handled')
  handledOnce(t, handled)
  t.equal(once.repeated, 2)
})

inBoth('an error that comes after next() is not lost', async (t, express, version) => {
  const { once, reports } = point()
  const handled = await handling(t, express, app => {
    app.use(once)
    app.use('/next', (_req, _res, next) => {
      next()
      next(new Error('late'))
    })
    app.use('/throws', (_req, _res, next) => {
      next()
      throw new Error('late')
    })
    // Which Express 4 leaves to the process.
    if (version === 5) {
      app.use('/rejects', async (_req, _res, next) => {
        next()
        throw new Error('late')
      })
    }
  })
  const paths = version === 5 ? ['/next', '/throws', '/rejects'] : ['/next', '/throws']
  for (const path of paths) t.match(await send(handled.port, path), { status: 500, text: 'failed' })
  t.strictSame([once.repeated, reports], [0, []])
  t.strictSame(
    handled.errors.map(({ message }) => message),
    paths.map(() => 'late'),
  )
})

inBoth('next() after an error has been passed on is stopped', async (t, express) => {
  const { once } = point()
  const handled = await handling(t, express, app => {
    app.use(once)
    app.use((_req, _res, next) => {
      next(new Error('first'))
      next()
    })
  })
  t.match(await send(handled.port, '/'), { status: 500, text: 'failed' })
  t.strictSame([once.repeated, handled.urls, handled.strays], [1, [], []])
})

inBoth('a request that is redirected within the application is no second next()', async (t, express) => {
  const { once, reports } = point()
  const handled = await handling(t, express, app => {
    app.use(once)
    app.get('/old', (req, res) => {
      req.url = '/older'
      app(req, res)
    })
    app.get('/older', async (req, res) => {
      await turns()
      req.url = '/new'
      app(req, res)
    })
    app.get('/new', (_req, res) => {
      res.send('new')
    })
  })
  t.match(await send(handled.port, '/old'), { status: 200, text: 'new' })
  t.strictSame([once.repeated, reports], [0, []])
})

inBoth('a second next() while its request waits for room is stopped', async (t, express) => {
  const { once } = point()
  const governed = plimsoll({ budget: 1, cost: 1, logger: silent })
  const handled = await handling(t, express, app => app.use(once).use(twiceAtOnce).use(governed))
  const taken = governed.governor.budget.tryAcquire(1)
  const reply = send(handled.port, '/')
  await until(() => governed.governor.stats().waiting === 1, 'one that waits')
  t.equal(once.repeated, 1)
  taken?.release()
  t.match(await reply, { status: 200, text: 'handled' })
  handledOnce(t, handled)
})

t.test('where there is no Express it says so once, and lets all pass', async t => {
  const warned = t.capture(process, 'emitWarning', () => {}).args
  const once = runOnce({ logger: silent })
  let passed = 0
  for (const app of [undefined, {}, { router: { stack: [] } }, { router: { stack: [{}] } }]) {
    once({ app } as never, {} as never, () => passed++)
  }
  t.equal(passed, 4)
  t.match(warned(), [[/runOnce sees nothing/, 'PlimsollWarning']])
  t.equal(once.repeated, 0)
})
