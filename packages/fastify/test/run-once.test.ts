import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RepeatedMessage } from '@plimsoll/core'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { PlimsollOptions } from '../src/index.ts'
import plimsoll from '../src/index.ts'
import { type Call, send } from './fixtures/client.ts'
import { addCulprit, addLateCulprit, type Phase } from './fixtures/culprits.ts'
import { type GovernedApp, governedApp, MiB, type Setup } from './fixtures/governed-app.ts'
import { gate, turns, until } from './fixtures/until.ts'

interface Line {
  readonly code?: string
  readonly msg: string
  readonly url?: string
  readonly err?: { readonly stack: string }
}

interface Watched {
  readonly server: GovernedApp
  /** Paths of the requests that have come to a handler. */
  readonly handled: string[]
  /** What was logged of second passes. */
  reports(): Line[]
}

/** A governed app whose handlers note that they run, and take a while. */
async function watched(
  t: Test,
  setup: Pick<Setup, 'before' | 'routes'>,
  options: PlimsollOptions = {},
): Promise<Watched> {
  const handled: string[] = []
  const lines: Line[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) }
  const server = await governedApp(t, {
    server: { logger: { level: 'warn', stream } },
    options: { budget: '1MiB', ...options } as PlimsollOptions,
    before: async app => setup.before?.(app),
    routes: async app => {
      const handle = async (request: { url: string; body?: unknown }): Promise<object> => {
        handled.push(request.url)
        await turns()
        return { body: request.body ?? null }
      }
      await setup.routes?.(app)
      app.get('/twice', handle)
      app.get('/twice/other', handle)
      app.post('/twice', handle)
      app.get('/once', handle)
    },
  })
  return { server, handled, reports: () => lines.filter(({ code }) => code === 'ERR_PLIMSOLL_PASSED_TWICE') }
}

const CALLS: Record<string, Call> = {
  'without a body': {},
  'with a body': { body: '{"a":1}', headers: { 'content-type': 'application/json' } },
}
const ANSWERS: Record<string, object> = {
  'without a body': { body: null },
  'with a body': { body: { a: 1 } },
}

const PLACES: Record<string, (culprit: (app: FastifyInstance) => void) => Pick<Setup, 'before' | 'routes'>> =
  {
    'before the plugin': before => ({ before }),
    'after the plugin': routes => ({ routes }),
  }

for (const phase of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as Phase[]) {
  for (const [place, setup] of Object.entries(PLACES)) {
    for (const [what, call] of Object.entries(CALLS)) {
      t.test(`a second done() in ${phase} ${place} runs no handler twice, ${what}`, async t => {
        const { server, handled, reports } = await watched(
          t,
          setup(app => addCulprit(app, phase)),
        )
        const published: RepeatedMessage[] = []
        const note = (message: unknown): number => published.push(message as RepeatedMessage)
        subscribe('plimsoll:repeated', note)
        for (let n = 1; n <= 3; n++) {
          const { status, body } = await send(server.port, '/twice?secret=1', call)
          t.equal(status, 200)
          t.same(JSON.parse(String(body)), ANSWERS[what])
          t.equal(handled.length, n)
          t.match(server.governor.stats(), { repeated: n, admitted: n })
        }
        unsubscribe('plimsoll:repeated', note)
        t.equal(reports().length, 1, 'once for each culprit')
        t.match(reports(), [{ url: '/twice', msg: /second next\(\) \(or done\(\)\)/ }])
        t.match(
          published.map(({ error }) => error),
          Array(3).fill({ code: 'ERR_PLIMSOLL_PASSED_TWICE' }),
        )
        // What a body is parsed by calls back from the socket.
        if (phase !== 'preParsing' || what === 'without a body') {
          t.match(reports()[0]?.err?.stack, /fixtures\/culprits\.ts/)
        }
        await server.leavesNothing(t)
      })
    }
  }
}

for (const phase of ['onRequest', 'preHandler'] as const) {
  t.test(`a second done() in ${phase} that comes late runs no handler twice`, async t => {
    const proceed = gate()
    let ran = 0
    const { server, reports } = await watched(t, {
      routes: app => {
        addLateCulprit(app, phase)
        app.get('/twice/slow', async () => {
          ran++
          await proceed.promise
          return 'slow'
        })
      },
    })
    const answer = send(server.port, '/twice/slow')
    await until(() => server.governor.stats().repeated === 1, 'the second call')
    t.match(reports()[0]?.err?.stack, /node:internal\/timers/)
    proceed.open()
    t.equal((await answer).status, 200)
    t.equal(ran, 1)
    await server.leavesNothing(t)
  })
}

t.test('a culprit is told once for all routes, and each culprit by itself', async t => {
  const { server, reports } = await watched(t, {
    routes: app => {
      addCulprit(app, 'preValidation')
      addLateCulprit(app, 'preHandler')
    },
  })
  for (const path of ['/twice', '/twice/other', '/twice', '/twice/other']) await send(server.port, path)
  await until(() => server.governor.stats().repeated >= 4, 'them to be counted')
  const stacks = reports().map(({ err }) => err?.stack)
  t.equal(new Set(stacks).size, stacks.length)
  t.ok(reports().length <= 3)
  await server.leavesNothing(t)
})

for (const [what, call] of Object.entries(CALLS)) {
  t.test(`a request that waits is not let past the queue by a second done(), ${what}`, async t => {
    const { server, handled, reports } = await watched(
      t,
      { before: app => addCulprit(app, 'onRequest') },
      { cost: '1KiB' },
    )
    const room = server.governor.budget.tryAcquire('1MiB')
    const answer = send(server.port, '/twice', call)
    await until(() => server.governor.stats().waiting === 1, 'it to wait')
    await turns()
    t.same(handled, [])
    t.match(server.governor.stats(), { repeated: 1, reserved: MiB })
    t.match(reports()[0]?.err?.stack, /fixtures\/culprits\.ts/)
    room?.release()
    const { status, body } = await answer
    t.equal(status, 200)
    t.same(JSON.parse(String(body)), ANSWERS[what])
    t.equal(handled.length, 1)
    t.match(server.governor.stats(), { repeated: 1, admitted: 1 })
    await server.leavesNothing(t)
  })
}

t.test('a request that waits and is refused is answered once, whoever called done() twice', async t => {
  const { server, handled } = await watched(
    t,
    { before: app => addCulprit(app, 'onRequest') },
    { cost: '1KiB', queue: { timeoutMs: 20 } },
  )
  const room = server.governor.budget.tryAcquire('1MiB')
  t.equal((await send(server.port, '/twice')).status, 503)
  room?.release()
  t.same(handled, [])
  await server.leavesNothing(t)
})

t.test('a handler that answers at once is not run again, either', async t => {
  let ran = 0
  const { server } = await watched(t, {
    routes: app => {
      addCulprit(app, 'preHandler')
      app.get('/twice/at-once', (_request, reply) => {
        ran++
        reply.send('at once')
      })
    },
  })
  t.equal((await send(server.port, '/twice/at-once')).status, 200)
  t.equal(ran, 1)
  await server.leavesNothing(t)
})

for (const phase of ['onRequest', 'preValidation', 'preHandler'] as Phase[]) {
  t.test(`with 'throw' a request is failed by its second done() in ${phase}`, async t => {
    const { server, handled, reports } = await watched(
      t,
      { routes: app => addCulprit(app, phase) },
      { runOnce: 'throw' },
    )
    const { status, body } = await send(server.port, '/twice')
    t.equal(status, 500)
    t.match(JSON.parse(String(body)), { code: 'ERR_PLIMSOLL_PASSED_TWICE' })
    t.equal(handled.length, 1)
    t.equal(server.governor.stats().repeated, 1)
    t.same(reports(), [])
    t.equal((await send(server.port, '/once')).status, 200)
    await server.leavesNothing(t)
  })
}

t.test('runOnce is one of two words', async t => {
  const app = (await import('fastify')).default()
  await t.rejects(
    async () => {
      await app.register(plimsoll, { runOnce: 'always' as 'throw' })
    },
    { code: 'ERR_PLIMSOLL_OPTION', message: /^runOnce must be/ },
  )
})

t.test('who passes once, by whatever way, is not reported', async t => {
  const { server } = await watched(t, {
    routes: app => {
      // Other plugins that give a route further paths, with the handler that they find, or one that calls it.
      app.addHook('onRoute', route => {
        if (route.url !== '/aliased' || route.method !== 'GET') return
        const { handler } = route
        app.route({ ...route, url: '/alias', handler: (...args) => handler.apply(app, args) } as typeof route)
        app.route({ ...route, url: '/other-alias' } as typeof route)
      })
      app.addHook('preHandler', (_request, _reply, done) => done())
      app.addHook('preHandler', async () => {})
      app.get('/aliased', async () => 'aliased')
      app.get('/head', async () => 'head')
      app.get('/not-found', (_request, reply) => reply.callNotFound())
      app.get(
        '/hook-not-found',
        { preHandler: (_request, reply) => reply.callNotFound() },
        async () => 'never',
      )
      app.get('/moved', (_request, reply) => reply.redirect('/head'))
      app.get('/fails', async () => {
        throw new Error('on purpose')
      })
      app.get('/early', { onRequest: async (_request, reply) => reply.send('early') }, async () => 'late')
      app.get('/hijacked', (_request, reply) => {
        reply.hijack()
        reply.raw.end('hijacked')
      })
      app.get('/again', (request, reply) => {
        reply.hijack()
        request.raw.url = '/head'
        app.routing(request.raw, reply.raw)
      })
      app.register(
        async child => {
          child.setNotFoundHandler({ preHandler: (_request, _reply, done) => done() }, (_request, reply) =>
            reply.code(404).send('none here'),
          )
          child.get('/', async () => 'child')
        },
        { prefix: '/child' },
      )
    },
  })
  const statuses: Record<string, number> = {}
  for (const path of [
    '/head',
    '/aliased',
    '/alias',
    '/other-alias',
    '/nowhere',
    '/not-found',
    '/hook-not-found',
    '/moved',
    '/fails',
    '/early',
    '/hijacked',
    '/again',
    '/child',
    '/child/',
    '/child/nowhere',
  ]) {
    statuses[path] = (await send(server.port, path)).status
  }
  t.same(statuses, {
    '/head': 200,
    '/aliased': 200,
    '/alias': 200,
    '/other-alias': 200,
    '/nowhere': 404,
    '/not-found': 404,
    '/hook-not-found': 404,
    '/moved': 302,
    '/fails': 500,
    '/early': 200,
    '/hijacked': 200,
    '/again': 200,
    '/child': 200,
    '/child/': 200,
    '/child/nowhere': 404,
  })
  t.equal((await send(server.port, '/head', { method: 'HEAD' })).status, 200)
  t.equal((await server.app.inject('/head')).statusCode, 200)
  t.equal((await server.app.inject({ method: 'POST', url: '/next', payload: { a: 1 } })).statusCode, 200)
  t.equal(server.governor.stats().repeated, 0)
  await server.leavesNothing(t)
})

t.test('a route\u2019s handler keeps its name and its this', async t => {
  let self: unknown
  let name: string | undefined
  const { server } = await watched(t, {
    routes: app => {
      app.addHook('onRoute', route => {
        if (route.url === '/named') name = route.handler.name
      })
      app.get('/named', async function named() {
        self = this
        return 'named'
      })
    },
  })
  t.equal((await send(server.port, '/named')).status, 200)
  t.equal(self, server.app)
  t.equal(name, 'named')
  await server.leavesNothing(t)
})

for (const phase of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as Phase[]) {
  for (const [place, setup] of Object.entries(PLACES)) {
    t.test(
      `a governor that only observes counts a second done() in ${phase} ${place}, and lets it pass`,
      async t => {
        const { server, handled, reports } = await watched(
          t,
          setup(app => addCulprit(app, phase)),
          { mode: 'observe' },
        )
        const { status, body } = await send(server.port, '/twice')
        t.equal(status, 200)
        t.same(JSON.parse(String(body)), { body: null })
        t.same(handled, ['/twice', '/twice'], 'as without us')
        t.match(server.governor.stats(), { repeated: 1, admitted: 1 })
        server.governor.mode = 'enforce'
        t.equal((await send(server.port, '/twice')).status, 200)
        t.match(server.governor.stats(), { repeated: 2 })
        t.equal(handled.length, 3, 'it acts again')
        t.equal(reports().length, 1)
        await server.leavesNothing(t)
      },
    )
  }
}
