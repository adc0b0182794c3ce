import { setImmediate as turn } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import plimsoll from '../src/index.ts'
import { type Call, RawClient, send } from './fixtures/client.ts'
import { governedApp, idle, KiB } from './fixtures/governed-app.ts'
import { gate, until } from './fixtures/until.ts'

/** Notes each hook of a request as it runs, with what it is told. */
function recordHooks(app: FastifyInstance, ran: string[]): void {
  app.addHook('onRequest', async () => void ran.push('onRequest'))
  app.addHook('preParsing', async (_request, _reply, payload) => {
    ran.push('preParsing')
    return payload
  })
  app.addHook('preValidation', async request => void ran.push(`preValidation ${typeof request.body}`))
  app.addHook('preHandler', async () => void ran.push('preHandler'))
  app.addHook('preSerialization', async (_request, _reply, payload) => {
    ran.push('preSerialization')
    return payload
  })
  app.addHook('onError', async (_request, _reply, error) => void ran.push(`onError ${error.message}`))
  app.addHook('onSend', async (_request, reply, payload) => {
    ran.push(`onSend ${reply.statusCode} ${typeof payload}`)
    return payload
  })
  app.addHook('onResponse', async (_request, reply) => void ran.push(`onResponse ${reply.statusCode}`))
}

function declareRoutes(app: FastifyInstance): void {
  const schema = { body: { type: 'object', required: ['name'] } }
  app.get('/text', async () => 'hello')
  app.get('/object', async () => ({ hello: 'world' }))
  app.get('/nothing', async (_request, reply) => reply.code(204).send())
  app.get('/moved', async (_request, reply) => reply.redirect('/text'))
  app.get('/throws', async () => {
    throw new Error('boom')
  })
  app.get('/early', { onRequest: async (_request, reply) => reply.code(401).send('no') }, async () => 'yes')
  app.post('/echo', async request => request.body)
  app.post('/checked', { schema }, async request => request.body)
}

const CALLS: [path: string, call: Call][] = [
  ['/text', {}],
  ['/text', { method: 'HEAD' }],
  ['/text?query=1', {}],
  ['/object', {}],
  ['/nothing', {}],
  ['/moved', {}],
  ['/throws', {}],
  ['/early', {}],
  ['/nowhere', {}],
  ['/nowhere', { method: 'DELETE' }],
  ['/echo', { body: '{"a":1}', headers: { 'content-type': 'application/json' } }],
  ['/echo', { body: '{"a":', headers: { 'content-type': 'application/json' } }],
  ['/echo', { body: 'text', headers: { 'content-type': 'text/plain' } }],
  ['/echo', { body: 'text', headers: { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' } }],
  ['/echo', { body: 'text', headers: { 'content-type': 'image/png' } }],
  ['/echo', { method: 'POST' }],
  ['/checked', { body: '{"a":1}', headers: { 'content-type': 'application/json' } }],
]

t.test('without pressure hooks run and clients are answered as without the plugin', async t => {
  const outcomes: unknown[][] = []
  for (const governed of [false, true]) {
    const ran: string[] = []
    const seen: unknown[] = []
    const app = Fastify()
    t.teardown(() => app.close())
    if (governed) await app.register(plimsoll, { budget: '1MiB', cost: '1KiB' })
    recordHooks(app, ran)
    declareRoutes(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const port = (app.server.address() as { port: number }).port
    for (const [path, call] of CALLS) {
      ran.length = 0
      const { status, headers, body } = await send(port, path, call)
      await until(() => ran.some(hook => hook.startsWith('onResponse')), 'onResponse')
      const { date: _date, ...kept } = headers
      seen.push({ path, call, status, headers: kept, body: body.toString(), ran: [...ran] })
    }
    outcomes.push(seen)
    if (governed) await idle(app.plimsoll)
  }
  t.equal(outcomes[0]?.length, CALLS.length)
  for (const [i, outcome] of (outcomes[0] as object[]).entries()) {
    t.strictSame(outcomes[1]?.[i], outcome, JSON.stringify(CALLS[i]))
  }
})

t.test('hooks of a waiting request run when it is admitted, and not before', async t => {
  const ran: string[] = []
  const server = await governedApp(t, {
    before: app => app.addHook('onRequest', async () => void ran.push('onRequest before the plugin')),
    routes: app => recordHooks(app, ran),
  })
  const taken = server.governor.budget.tryAcquire('1MiB')
  const sent = send(server.port, '/next', { body: 'x', headers: { 'content-type': 'text/plain' } })
  await until(() => server.governor.stats().waiting === 1, 'it to wait')
  t.strictSame(ran, ['onRequest before the plugin'])
  taken?.release()
  t.equal((await sent).status, 200)
  await until(() => ran.includes('onResponse 200'), 'onResponse')
  t.equal(ran.indexOf('onRequest'), 1)
  await server.leavesNothing(t)
})

t.test('a hook that waits before the plugin keeps nothing from its route', async t => {
  const proceed = gate()
  const server = await governedApp(t, {
    before: app =>
      app.addHook('onRequest', async request => {
        if (request.url === '/') await proceed.promise
      }),
    routes: app => app.post('/', async request => request.body),
  })
  const sent = send(server.port, '/', {
    body: Buffer.alloc(500 * KiB, 'x'),
    headers: { 'content-type': 'text/plain' },
  })
  await turn()
  t.equal(server.governor.stats().active, 0)
  proceed.open()
  t.equal((await sent).body.length, 500 * KiB)
  await server.leavesNothing(t)
})

t.test('a hook before the plugin that answers keeps the plugin out', async t => {
  const server = await governedApp(t, {
    before: app =>
      app.addHook('onRequest', async (request, reply) => {
        if (request.url === '/nowhere') return reply.code(429).send('slow down')
      }),
  })
  t.equal((await send(server.port, '/nowhere')).status, 429)
  t.equal(server.governor.stats().admitted, 0)
  await server.leavesNothing(t)
})

t.test(
  'a client that left during a hook before the plugin is not admitted, and nobody is answered',
  async t => {
    const proceed = gate()
    const entered = gate()
    const ran: string[] = []
    const server = await governedApp(t, {
      options: { budget: '1MiB', cost: '1KiB' },
      before: app =>
        app.addHook('onRequest', async request => {
          if (request.url !== '/gone') return
          request.raw.socket.once('close', () => proceed.open())
          entered.open()
          await proceed.promise
        }),
      routes: app => {
        recordHooks(app, ran)
        app.get('/gone', async () => 'to nobody')
      },
    })
    const client = await RawClient.to(server.port)
    client.write('GET /gone HTTP/1.1\r\nhost: x\r\n\r\n')
    await entered.promise
    client.destroy()
    await until(() => server.governor.stats().refused.ERR_PLIMSOLL_CLIENT_GONE === 1, 'it to be noticed')
    t.equal(server.governor.stats().admitted, 0)
    t.strictSame(ran, [])
    await server.leavesNothing(t)
  },
)

t.test('onSend may replace the payload, and replies have their length', async t => {
  const server = await governedApp(t, {
    routes: app => {
      app.addHook('onSend', async (_request, reply, payload) => {
        if (typeof payload === 'string' && payload === 'hello') {
          reply.header('x-was', payload)
          return 'replaced'
        }
        return payload
      })
      app.get('/', async () => 'hello')
    },
  })
  const answer = await send(server.port, '/')
  t.match(answer.headers, { 'x-was': 'hello', 'content-length': '8' })
  t.equal(answer.body.toString(), 'replaced')
  await server.leavesNothing(t)
})

t.test('onTimeout of a user runs, and the request is released', async t => {
  let timedOut = 0
  const server = await governedApp(t, {
    server: { connectionTimeout: 50 },
    options: { budget: '1MiB', cost: '1KiB' },
    routes: app => {
      app.addHook('onTimeout', async () => void timedOut++)
      app.get('/', () => new Promise(() => {}))
    },
  })
  const client = await RawClient.to(server.port)
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(() => timedOut === 1, 'the connection to time out')
  client.destroy()
  await server.leavesNothing(t)
})

t.test('a handler that Fastify times out is released when its answer is out', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '1KiB' },
    routes: app => app.get('/', { handlerTimeout: 30 }, () => new Promise(() => {})),
  })
  t.match((await send(server.port, '/')).json(), { statusCode: 503, code: 'FST_ERR_HANDLER_TIMEOUT' })
  await server.leavesNothing(t)
})
