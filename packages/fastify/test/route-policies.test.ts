import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { RoutePolicy } from '@plimsoll/core'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import plimsoll from '../src/index.ts'
import { answerOf, open, send } from './fixtures/client.ts'
import { type GovernedApp, governedApp, KiB, MiB } from './fixtures/governed-app.ts'
import { until } from './fixtures/until.ts'

const text = (size: number) => ({ body: Buffer.alloc(size, 'x'), headers: { 'content-type': 'text/plain' } })

/** What a handler sees of its reservation. */
const held = async (request: FastifyRequest) => ({ bytes: request.plimsoll.bytes })

/** A route that reads what it is sent by itself, so that no limit of Fastify's own parsers is met. */
function readsRaw(app: FastifyInstance): void {
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
}

async function discard(request: FastifyRequest): Promise<{ bytes: number }> {
  const { bytes } = request.plimsoll
  await finished((request.body as Readable).resume())
  return { bytes }
}

t.test('a buffered body costs what it declares', async t => {
  const server = await governedApp(t, { routes: app => app.post('/', held) })
  t.strictSame((await send(server.port, '/', text(1000))).json(), { bytes: 1000 })
  t.strictSame((await send(server.port, '/', { ...text(0), method: 'POST' })).json(), { bytes: 0 })
  await server.leavesNothing(t)
})

t.test('a route says what it costs: a number, a size or a function of the head', async t => {
  const heads: unknown[] = []
  const cost = (head: object) => {
    heads.push(head)
    return '3KiB'
  }
  const server = await governedApp(t, {
    routes: app => {
      app.get('/number', { config: { plimsoll: { cost: 4096 } } }, held)
      app.post('/size', { config: { plimsoll: { cost: '64KiB' } } }, held)
      app.post('/function', { config: { plimsoll: { cost } } }, held)
      app.post('/twice', { config: { plimsoll: { cost: head => (head.declaredBytes ?? 0) * 2 } } }, held)
      app.post('/free', { config: { plimsoll: { cost: 0 } } }, held)
    },
  })
  t.strictSame((await send(server.port, '/number')).json(), { bytes: 4096 })
  t.strictSame((await send(server.port, '/size', text(10))).json(), { bytes: 64 * KiB })
  t.strictSame((await send(server.port, '/function?a=1', text(10))).json(), { bytes: 3 * KiB })
  t.match(heads, [
    { method: 'POST', url: '/function?a=1', headers: { 'content-type': 'text/plain' }, declaredBytes: 10 },
  ])
  t.strictSame((await send(server.port, '/twice', text(700))).json(), { bytes: 1400 })
  t.strictSame((await send(server.port, '/free', text(700))).json(), { bytes: 0 })
  await server.leavesNothing(t)
})

t.test('a route\u2019s policy stands over the plugin\u2019s, key by key', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '8KiB', maxBody: '2KiB' },
    routes: app => {
      app.post('/plain', held)
      app.post('/dear', { config: { plimsoll: { cost: '16KiB' } } }, held)
      app.post('/large', { config: { plimsoll: { maxBody: '4KiB' } } }, held)
      app.post('/empty', { config: { plimsoll: {} } }, held)
      app.post('/unset', { config: {} }, held)
      const left = { cost: undefined, maxBody: undefined, body: undefined } as unknown as RoutePolicy
      app.post('/undefined', { config: { plimsoll: left } }, held)
    },
  })
  for (const [path, bytes, largest] of [
    ['/plain', 8 * KiB, 2 * KiB],
    ['/dear', 16 * KiB, 2 * KiB],
    ['/large', 8 * KiB, 4 * KiB],
    ['/empty', 8 * KiB, 2 * KiB],
    ['/unset', 8 * KiB, 2 * KiB],
    ['/undefined', 8 * KiB, 2 * KiB],
  ] as const) {
    t.strictSame((await send(server.port, path, text(largest))).json(), { bytes }, path)
    t.equal((await send(server.port, path, text(largest + 1))).status, 413, path)
  }
  await server.leavesNothing(t)
})

t.test('a streamed body holds a window, whatever its size and whatever buffered bodies cost', async t => {
  const server = await governedApp(t, {
    options: { budget: '256KiB', cost: ({ declaredBytes = 0 }) => 3 * declaredBytes },
    routes: app => {
      readsRaw(app)
      app.post('/buffered', { config: { plimsoll: { body: 'buffer' } } }, held)
      app.post('/', { config: { plimsoll: { body: 'stream' } } }, discard)
    },
  })
  const headers = { 'content-type': 'application/octet-stream' }
  const large = await send(server.port, '/', { headers, body: Buffer.alloc(16 * MiB) })
  t.strictSame(large.json(), { bytes: 128 * KiB })
  const small = await send(server.port, '/', { headers, body: Buffer.alloc(KiB) })
  t.strictSame(small.json(), { bytes: KiB }, 'or the body where that is less')
  t.strictSame((await send(server.port, '/buffered', text(1000))).json(), { bytes: 3000 })
  await server.leavesNothing(t)
})

t.test('a route that is exempt holds 0 bytes and never waits', async t => {
  const server = await governedApp(t, {
    options: { budget: '64KiB', cost: '64KiB', queue: { limit: 0 } },
    routes: app => {
      app.get('/health', { config: { plimsoll: false } }, held)
      app.post('/echo', { config: { plimsoll: false } }, held)
      app.get('/exempt', { config: { plimsoll: { exempt: true } } }, held)
      app.get('/not-exempt', { config: { plimsoll: { exempt: false } } }, held)
      app.get('/work', held)
    },
  })
  const taken = server.governor.budget.tryAcquire('64KiB')
  t.equal((await send(server.port, '/work')).status, 503)
  t.equal((await send(server.port, '/not-exempt')).status, 503)
  t.strictSame((await send(server.port, '/health')).json(), { bytes: 0 })
  t.strictSame((await send(server.port, '/exempt')).json(), { bytes: 0 })
  t.strictSame((await send(server.port, '/echo', text(4 * KiB))).json(), { bytes: 0 })
  taken?.release()
  await server.leavesNothing(t)
})

t.test('the body of an exempt route stays bounded', async t => {
  const server = await governedApp(t, {
    server: { bodyLimit: 4 * KiB },
    options: { budget: '64KiB' },
    routes: app => app.post('/', { config: { plimsoll: false } }, held),
  })
  t.equal((await send(server.port, '/', text(4 * KiB))).status, 200)
  t.equal((await send(server.port, '/', text(4 * KiB + 1))).status, 413)
  await server.leavesNothing(t)
})

t.test('an exempt route has the body limit that Fastify gives it, whoever reads it', async t => {
  for (const [server, bodyLimit, largest] of [
    [{}, { bodyLimit: 256 * KiB }, 256 * KiB],
    [{ bodyLimit: 4 * KiB }, {}, 4 * KiB],
  ] as const) {
    await t.test(`${largest} bytes`, async t => {
      const exempt = await governedApp(t, {
        server,
        options: { budget: '64KiB', ...(largest > 64 * KiB ? { maxBody: '2KiB' } : {}) },
        routes: app => {
          readsRaw(app)
          app.post('/', { config: { plimsoll: false }, ...bodyLimit }, discard)
        },
      })
      await accepts(t, exempt, largest)
    })
  }
})

t.test('a route that asks for a length refuses a body without one', async t => {
  const server = await governedApp(t, {
    routes: app => app.post('/', { config: { plimsoll: { requireLength: true } } }, held),
  })
  const chunked = { headers: { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }, body: 'x' }
  const refused = await send(server.port, '/', chunked)
  t.match(refused.json(), { statusCode: 411, code: 'ERR_PLIMSOLL_LENGTH_REQUIRED' })
  t.strictSame((await send(server.port, '/', text(5))).json(), { bytes: 5 })
  await server.leavesNothing(t)
})

t.test('a bad policy stops the declaration of its route', async t => {
  const app = Fastify()
  await app.register(plimsoll, { budget: '1MiB' })
  const declare = (policy: unknown) => () =>
    app.get('/', { config: { plimsoll: policy as RoutePolicy } }, async () => 'hello')
  for (const [named, policy] of [
    ['cost', { cost: 'much' }],
    ['cost', { cost: null }],
    ['maxBody', { maxBody: Number.NaN }],
    ['body', { body: 'both' }],
    ['requireLength', { requireLength: 'yes' }],
    ['exempt', { exempt: () => true }],
    ['costs', { costs: 5 }],
    ['budget', { budget: '1MiB' }],
    ['policy', true],
    ['policy', null],
    ['policy', '64KiB'],
    ['policy', ['64KiB']],
  ] as const) {
    t.throws(declare(policy), { code: 'ERR_PLIMSOLL_OPTION', message: new RegExp(`${named}\\b`) })
  }
  t.doesNotThrow(declare(undefined))
})

t.test('a bad policy in a child plugin stops the start', async t => {
  const app = Fastify()
  await app.register(plimsoll, { budget: '1MiB' })
  app.register(async child => {
    child.get('/', { config: { plimsoll: { maxBody: -1 } } }, async () => 'hello')
  })
  await t.rejects(
    async () => {
      await app.ready()
    },
    { code: 'ERR_PLIMSOLL_OPTION', message: /maxBody/ },
  )
})

t.test('routes declared before the plugin has loaded have their policy and their limits too', async t => {
  const declare = (path: string) => (app: FastifyInstance) => {
    app.post(path, { config: { plimsoll: { cost: '5KiB', maxBody: '1KiB' } } }, held)
    app.get(path, { config: { plimsoll: false } }, held)
    app.put(path, { bodyLimit: 3 * KiB }, held)
  }
  const options = { budget: '1MiB', cost: '2KiB', maxBody: '2KiB' } as const
  const server = await governedApp(t, { options, before: declare('/early') })
  t.strictSame((await send(server.port, '/early', text(KiB))).json(), { bytes: 5 * KiB })
  t.equal((await send(server.port, '/early', text(KiB + 1))).status, 413)
  t.strictSame((await send(server.port, '/early')).json(), { bytes: 0 })
  const put = (size: number) => send(server.port, '/early', { ...text(size), method: 'PUT' })
  t.strictSame((await put(3 * KiB)).json(), { bytes: 2 * KiB })
  t.equal((await put(3 * KiB + 1)).json().code, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
  await server.leavesNothing(t)

  const app = Fastify()
  t.teardown(() => app.close())
  app.register(plimsoll, options)
  // Declared while the registration above is still to come.
  declare('/at-once')(app)
  const post = await app.inject({ method: 'POST', url: '/at-once', ...text(KiB), payload: 'x' })
  t.strictSame(post.json(), { bytes: 5 * KiB })
  t.strictSame((await app.inject('/at-once')).json(), { bytes: 0 })
})

t.test('a bad policy declared before the plugin serves nobody', async t => {
  const server = await governedApp(t, {
    before: app => app.get('/', { config: { plimsoll: { cost: 'much' } } }, async () => 'served'),
  })
  t.match((await send(server.port, '/')).json(), { statusCode: 500, code: 'ERR_PLIMSOLL_OPTION' })
  await server.leavesNothing(t)
})

t.test('routes that share one config object have each their own body limit', async t => {
  const config = { plimsoll: { cost: 0 } }
  const server = await governedApp(t, {
    routes: app => {
      app.post('/small', { config, bodyLimit: KiB }, held)
      app.post('/large', { config, bodyLimit: 8 * KiB }, held)
    },
  })
  t.equal((await send(server.port, '/small', text(KiB + 1))).json().code, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
  t.equal((await send(server.port, '/large', text(8 * KiB))).status, 200)
  t.equal((await send(server.port, '/large', text(8 * KiB + 1))).json().code, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
  await server.leavesNothing(t)
})

interface Limits {
  readonly routeMaxBody?: number
  readonly routeLimit?: number
  readonly pluginMaxBody?: number
  readonly serverLimit?: number
}

async function limited(t: Test, limits: Limits, body: 'buffer' | 'stream') {
  const { routeMaxBody, routeLimit, pluginMaxBody, serverLimit } = limits
  return governedApp(t, {
    server: serverLimit === undefined ? {} : { bodyLimit: serverLimit },
    options: { budget: '8MiB', ...(pluginMaxBody === undefined ? {} : { maxBody: pluginMaxBody }) },
    routes: app => {
      readsRaw(app)
      const policy = routeMaxBody === undefined ? { body } : { body, maxBody: routeMaxBody }
      const limit = routeLimit === undefined ? {} : { bodyLimit: routeLimit }
      app.post('/', { config: { plimsoll: policy }, ...limit }, discard)
    },
  })
}

async function upload(server: GovernedApp, size: number, length: 'declared' | 'chunked') {
  const framing = length === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': size }
  const headers = { 'content-type': 'application/octet-stream', ...framing }
  const { status, body } = await send(server.port, '/', { headers, body: Buffer.alloc(size) })
  return status === 413 ? (JSON.parse(body.toString()) as { code: string }).code : status
}

/** @param largest the largest body that must be accepted */
async function accepts(t: Test, server: GovernedApp, largest: number) {
  for (const length of ['declared', 'chunked'] as const) {
    t.equal(await upload(server, largest, length), 200, `${length}: ${largest} bytes`)
    t.equal(await upload(server, largest + 1, length), 'ERR_PLIMSOLL_BODY_TOO_LARGE', `${length}: one more`)
  }
  await server.leavesNothing(t)
}

t.test('of two body limits the nearer one holds, be it the smaller or the larger', async t => {
  const DEFAULT = MiB
  for (const [limits, largest] of [
    [{ routeMaxBody: 2000, routeLimit: 1000 }, 2000],
    [{ routeMaxBody: 1000, routeLimit: 2000 }, 1000],
    [{ routeLimit: 2000, pluginMaxBody: 1000 }, 2000],
    [{ routeLimit: 1000, pluginMaxBody: 2000 }, 1000],
    [{ pluginMaxBody: 2000, serverLimit: 1000 }, 2000],
    [{ pluginMaxBody: 1000, serverLimit: 2000 }, 1000],
    [{ serverLimit: 1000 }, 1000],
    [{ serverLimit: 2 * MiB }, 2 * MiB],
    [{}, DEFAULT],
    [{ routeMaxBody: 4000, routeLimit: 3000, pluginMaxBody: 2000, serverLimit: 1000 }, 4000],
    [{ routeMaxBody: 1000, routeLimit: 2000, pluginMaxBody: 3000, serverLimit: 4000 }, 1000],
  ] as const satisfies [Limits, number][]) {
    await t.test(JSON.stringify(limits), async t => accepts(t, await limited(t, limits, 'buffer'), largest))
  }
})

t.test('a streamed route keeps each body limit but the server\u2019s default', async t => {
  for (const [limits, largest] of [
    [{ routeMaxBody: 1000 }, 1000],
    [{ routeLimit: 1000 }, 1000],
    [{ routeLimit: 2 * MiB }, 2 * MiB],
    [{ pluginMaxBody: 1000 }, 1000],
    [{ routeLimit: 2000, pluginMaxBody: 1000 }, 2000],
  ] as const satisfies [Limits, number][]) {
    await t.test(JSON.stringify(limits), async t => accepts(t, await limited(t, limits, 'stream'), largest))
  }
  for (const limits of [{}, { serverLimit: 1000 }]) {
    await t.test(JSON.stringify(limits), async t => {
      const server = await limited(t, limits, 'stream')
      t.equal(
        await upload(server, 9 * MiB, 'declared'),
        200,
        'more than the server\u2019s limit and the budget',
      )
      t.equal(await upload(server, 9 * MiB, 'chunked'), 200)
      await server.leavesNothing(t)
    })
  }
})

t.test('a route that sets the very limit that the server has means it', async t => {
  const buffered = await limited(t, { routeLimit: MiB, pluginMaxBody: 1000 }, 'buffer')
  await accepts(t, buffered, MiB)
  const streamed = await limited(t, { routeLimit: MiB }, 'stream')
  await accepts(t, streamed, MiB)
})

t.test('a body without a length reserves the largest, and gets the rest back when it is known', async t => {
  const server = await governedApp(t, {
    routes: app => app.post('/', { bodyLimit: 256 * KiB }, held),
  })
  const headers = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }
  const req = open(server.port, '/', { method: 'POST', headers })
  req.write('x'.repeat(100))
  await until(() => server.governor.stats().paidIn === 100, 'the first chunk to arrive')
  t.equal(server.governor.budget.reserved, 256 * KiB)
  req.end('x'.repeat(100))
  t.strictSame((await answerOf(req)).json(), { bytes: 200 })
  await server.leavesNothing(t)
})
