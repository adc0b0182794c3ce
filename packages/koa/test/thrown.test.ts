import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { send, serve, UNCOVERED, until } from '@plimsoll/contract'
import t from 'tap'
import { plimsoll } from '../src/index.ts'
import { hear } from './fixtures/heard.ts'
import { inBoth } from './fixtures/koa-versions.ts'
import { silent } from './fixtures/silent.ts'

const program = fileURLToPath(new URL('fixtures/throwing-program.ts', import.meta.url))

// Programs that start, on a machine that has other work.
t.setTimeout(120_000)

inBoth('what is thrown behind us is heard by those who hear it without us', async (t, _Koa, version) => {
  const args = [
    '--conditions=plimsoll-source',
    '--import',
    import.meta.resolve('tsx'),
    program,
    String(version),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: UNCOVERED })
  const toListener = Array(3).fill(['error listener: thrown'])
  const toProcess = Array(3).fill(['uncaughtException: thrown'])
  const ofOption = ['error listener: ERR_PLIMSOLL_OPTION']
  t.strictSame(JSON.parse(stdout), {
    'at once': toListener,
    'in a promise': toListener,
    'in a timer': toProcess,
    'in the next tick': toProcess,
    'a mistake with us': [['error listener: thrown'], ofOption, ofOption],
  })
})

inBoth('what a broken logger throws goes where errors go, waited or not', async (t, Koa) => {
  const fault = new Error('the logger is broken')
  const warn = (): never => {
    throw fault
  }
  const governed = plimsoll({ budget: 1, queue: { timeoutMs: 1 }, logger: { ...silent, warn } })
  const app = new Koa()
  const { errors } = hear(t, app)
  app.use(governed)
  const { port } = await serve(t, app.callback(), governed.governor)
  t.equal((await send(port, '/', { body: 'too large' })).status, 500)
  const taken = governed.governor.budget.tryAcquire(1)
  t.equal((await send(port, '/', { body: 'x' })).status, 500)
  taken?.release()
  t.strictSame(errors, [fault, fault])
})

inBoth('a second next() is rejected as without us, and counted once', async (t, Koa) => {
  const governed = plimsoll({ budget: 1, logger: silent })
  const { governor } = governed
  const app = new Koa()
  const { errors } = hear(t, app)
  let handled = 0
  app.use(governed)
  // It sees the error on its way, too.
  app.use(plimsoll({ governor, cost: 1 }))
  app.use(async (ctx, next) => {
    await next()
    if (ctx.path === '/caught') await next().catch(() => {})
    else await next()
  })
  app.use(ctx => {
    handled++
    ctx.body = 'handled'
  })
  const { port } = await serve(t, app.callback(), governor)
  for (const count of [1, 2]) {
    t.equal((await send(port, '/')).status, 500)
    t.equal(governor.stats().repeated, count)
  }
  t.strictSame(
    errors.map(({ message }) => message),
    Array(2).fill('next() called multiple times'),
  )
  t.equal((await send(port, '/caught')).text, 'handled')
  t.strictSame([governor.stats().repeated, handled], [2, 3], 'one that is caught stays unseen')
})

inBoth('what is thrown that is no error passes as without us', async (t, Koa) => {
  const governed = plimsoll({ budget: 1, logger: silent })
  const app = new Koa()
  const { errors } = hear(t, app)
  app.use(governed)
  app.use(() => {
    throw 'a string'
  })
  const { port } = await serve(t, app.callback(), governed.governor)
  t.equal((await send(port, '/')).status, 500)
  t.match(errors, [/non-error thrown/])
})

inBoth('a handler that fails as its client leaves has nothing in hand any more', async (t, Koa) => {
  const MiB = 2 ** 20
  const governed = plimsoll({ budget: 4 * MiB, cost: 2 * MiB, logger: silent })
  const { governor } = governed
  const app = new Koa()
  const { errors } = hear(t, app)
  app.use(governed)
  app.use(async ctx => {
    const { signal } = ctx.plimsoll
    await once(signal, 'abort')
    throw new Error('the query was cancelled')
  })
  const { port } = await serve(t, app.callback(), governor)
  for (let at = 1; at <= 4; at++) {
    const client = connect(port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n')
    await until(() => governor.stats().active === 1, 'its handler')
    client.destroy()
    await until(() => errors.length === at, 'its end')
    t.match(governor.stats(), { active: 0, leftOver: 0 })
  }
})
