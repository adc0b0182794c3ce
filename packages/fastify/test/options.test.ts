import { inspect } from 'node:util'
import { ByteBudget, Governor } from '@plimsoll/core'
import Fastify from 'fastify'
import t from 'tap'
import plimsoll, { type PlimsollOptions } from '../src/index.ts'
import { send } from './fixtures/client.ts'
import { governedApp, KiB, leavesNothing, MiB } from './fixtures/governed-app.ts'
import { gate, until } from './fixtures/until.ts'

const WRONG: [named: string, options: object][] = [
  ['budget', { budget: '64 MiB' }],
  ['budget', { budget: '64mb' }],
  ['budget', { budget: '' }],
  ['budget', { budget: -1 }],
  ['budget', { budget: 1.5 }],
  ['budget', { budget: Number.NaN }],
  ['budget', { budget: Number.POSITIVE_INFINITY }],
  ['budget', { budget: null }],
  ['budget', { budget: true }],
  ['budget', { budget: 10n }],
  ['budget', { budget: {} }],
  ['budget', { budget: [1024] }],
  ['queue', { budget: 1024, queue: null }],
  ['queue', { budget: 1024, queue: 5 }],
  ['queue', { budget: 1024, queue: [] }],
  ['queue', { budget: new ByteBudget({ capacity: 1024 }), queue: { limit: 5 } }],
  ['queue.limit', { budget: 1024, queue: { limit: -1 } }],
  ['queue.limit', { budget: 1024, queue: { limit: '5' } }],
  ['queue.limit', { budget: 1024, queue: { limit: Number.NaN } }],
  ['queue.limit', { budget: 1024, queue: { limit: null } }],
  ['queue.timeoutMs', { budget: 1024, queue: { timeoutMs: Number.POSITIVE_INFINITY } }],
  ['queue.timeoutMs', { budget: 1024, queue: { timeoutMs: -1 } }],
  ['queue.timeoutMs', { budget: 1024, queue: { timeoutMs: '30s' } }],
  ['"timeout" of queue', { budget: 1024, queue: { timeout: 5 } }],
  ['exempt', { budget: 1024, exempt: '/health' }],
  ['exempt', { budget: 1024, exempt: null }],
  ['exempt', { budget: 1024, exempt: true }],
  ['logger', { budget: 1024, logger: null }],
  ['logger', { budget: 1024, logger: true }],
  ['logger', { budget: 1024, logger: { info() {} } }],
  ['cost', { budget: 1024, cost: 'much' }],
  ['cost', { budget: 1024, cost: Number.NaN }],
  ['cost', { budget: 1024, cost: -1 }],
  ['cost', { budget: 1024, cost: null }],
  ['cost', { budget: 1024, cost: true }],
  ['maxBody', { budget: 1024, maxBody: '1 KiB' }],
  ['maxBody', { budget: 1024, maxBody: -1 }],
  ['maxBody', { budget: 1024, maxBody: null }],
  ['maxBody', { budget: 1024, maxBody: () => 5 }],
  ['body', { budget: 1024, body: 'both' }],
  ['body', { budget: 1024, body: null }],
  ['body', { budget: 1024, body: true }],
  ['requireLength', { budget: 1024, requireLength: 1 }],
  ['requireLength', { budget: 1024, requireLength: 'yes' }],
  ['bugdet', { bugdet: 1024 }],
  ['maxbody', { budget: 1024, maxbody: 5 }],
  ['bodyLimit', { budget: 1024, bodyLimit: 5 }],
  // With fastify-plugin a prefix would be without effect, and a governor of one prefix is not what it makes.
  ['prefix', { budget: 1024, prefix: '/api' }],
  ['governor', { governor: undefined }],
  ['governor', { governor: null }],
  ['governor', { governor: 'shared' }],
  ['governor', { governor: {} }],
  ['governor', { governor: new ByteBudget({ capacity: 1024 }) }],
]

t.test('a wrong option stops the start and is named', async t => {
  for (const [named, options] of WRONG) {
    const expected = { code: 'ERR_PLIMSOLL_OPTION', message: new RegExp(`${named}\\b`) }
    await t.test(inspect(options, { depth: 1, breakLength: Number.POSITIVE_INFINITY }), async t => {
      await t.rejects(async () => {
        await Fastify().register(plimsoll, options as PlimsollOptions)
      }, expected)
      const app = Fastify()
      app.register(plimsoll, options as PlimsollOptions)
      await t.rejects(async () => {
        await app.ready()
      }, expected)
    })
  }
})

t.test('options that are no object stop the start', async t => {
  for (const options of ['64MiB', 64, true, ['64MiB']]) {
    await t.rejects(
      async () => {
        await Fastify().register(plimsoll, options as unknown as PlimsollOptions)
      },
      { code: 'ERR_PLIMSOLL_OPTION' },
      inspect(options),
    )
  }
})

t.test('beside a governor only a policy may stand', async t => {
  const governor = new Governor({ budget: '1MiB' })
  for (const [key, value] of Object.entries({
    budget: '1MiB',
    queue: { limit: 5 },
    exempt: () => true,
    logger: console,
  })) {
    await t.rejects(
      async () => {
        await Fastify().register(plimsoll, { governor, [key]: value })
      },
      { code: 'ERR_PLIMSOLL_OPTION', message: new RegExp(key) },
      key,
    )
  }
  await t.rejects(
    async () => {
      await Fastify().register(plimsoll, { governor, maxBody: 'small' })
    },
    { code: 'ERR_PLIMSOLL_OPTION', message: /maxBody/ },
    'and that is checked too',
  )
})

t.test('options may come from a function, as Fastify has it', async t => {
  const app = Fastify()
  await app.register(plimsoll, () => ({ budget: '1MiB' }))
  t.equal(app.plimsoll.budget.capacity, MiB)
})

t.test('with no options at all the budget is chosen, and told once to the server\u2019s log', async t => {
  const lines: Record<string, unknown>[] = []
  const app = Fastify({
    logger: { level: 'info', stream: { write: (line: string) => lines.push(JSON.parse(line)) } },
  })
  t.teardown(() => app.close())
  await app.register(plimsoll)
  app.get('/', async () => 'hello')
  await app.ready()
  await app.inject('/')
  const chosen = lines.filter(line => /plimsoll chose a budget/.test(String(line.msg)))
  t.match(chosen, [{ budget: app.plimsoll.budget.capacity, source: String, limit: Number }])
  t.equal(chosen.length, 1)
  t.ok(app.plimsoll.budget.capacity > 0)
})

t.test('a budget that was given is not talked about', async t => {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => lines.push(line) } } })
  await app.register(plimsoll, { budget: '1MiB' })
  await app.ready()
  t.notMatch(lines.join(''), /plimsoll/)
})

t.test('a logger of one\u2019s own is told instead of the server\u2019s', async t => {
  const lines: string[] = []
  const told: string[] = []
  const tell = (_details: object, message: string) => told.push(message)
  const app = Fastify({ logger: { stream: { write: (line: string) => lines.push(line) } } })
  await app.register(plimsoll, { logger: { info: tell, warn: tell, error: tell } })
  t.match(told, [/plimsoll chose a budget/])
  t.notMatch(lines.join(''), /plimsoll/)
})

t.test('a refusal is logged with what to do about it', async t => {
  const lines: Record<string, unknown>[] = []
  const logger = { level: 'warn', stream: { write: (line: string) => lines.push(JSON.parse(line)) } }
  const server = await governedApp(t, { server: { logger }, options: { budget: '1KiB' } })
  await send(server.port, '/next?token=secret', { body: Buffer.alloc(2 * KiB) })
  t.match(lines, [
    {
      level: 40,
      code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET',
      url: '/next',
      bytes: 2 * KiB,
      limit: KiB,
      msg: /stream/,
    },
  ])
  t.notMatch(JSON.stringify(lines), /secret/)
  await server.leavesNothing(t)
})

t.test('two servers share a governor: what one holds, the other waits for', async t => {
  const governor = new Governor({ budget: '1MiB' })
  const answering = gate()
  const one = await governedApp(t, {
    options: { governor, cost: '1MiB' },
    routes: app => app.get('/slow', () => answering.promise.then(() => 'slow')),
  })
  const other = await governedApp(t, { options: { governor, cost: '1MiB' } })
  t.equal(one.app.plimsoll, governor)
  t.equal(other.app.plimsoll, governor)

  const slow = send(one.port, '/slow')
  await until(() => governor.budget.reserved === MiB, 'the first server to hold it all')
  const next = send(other.port, '/next', { body: '1', headers: { 'content-type': 'text/plain' } })
  await until(() => governor.stats().waiting === 1, 'the second server to wait for it')
  answering.open()
  t.equal((await slow).status, 200)
  t.equal((await next).status, 200)
  await one.leavesNothing(t)
  await other.leavesNothing(t)
})

t.test('the policy beside a shared governor holds for that server alone', async t => {
  const governor = new Governor({ budget: '1MiB', maxBody: '2KiB' })
  const narrow = await governedApp(t, { options: { governor, maxBody: '1KiB' } })
  const wide = await governedApp(t, { options: { governor, maxBody: '4KiB' } })
  const body = (size: number) => ({
    body: Buffer.alloc(size, 'x'),
    headers: { 'content-type': 'text/plain' },
  })
  t.equal((await send(narrow.port, '/next', body(KiB))).status, 200)
  t.equal((await send(narrow.port, '/next', body(KiB + 1))).status, 413)
  t.equal((await send(wide.port, '/next', body(4 * KiB))).status, 200)
  t.equal((await send(wide.port, '/next', body(4 * KiB + 1))).status, 413)
  await narrow.leavesNothing(t)
  await wide.leavesNothing(t)
})

t.test('exempt requests hold nothing and wait for nobody', async t => {
  const server = await governedApp(t, {
    options: { budget: '1KiB', cost: '1KiB', queue: { limit: 0 }, exempt: head => head.url === '/health' },
    routes: app => {
      app.get('/health', async request => ({ bytes: request.plimsoll.bytes }))
      app.get('/work', async () => 'done')
    },
  })
  const taken = server.governor.budget.tryAcquire('1KiB')
  t.equal((await send(server.port, '/work')).status, 503)
  t.strictSame((await send(server.port, '/health')).json(), { bytes: 0 })
  taken?.release()
  await server.leavesNothing(t)
})

t.test('a budget of one\u2019s own is used as it is', async t => {
  const budget = new ByteBudget({ capacity: '1MiB', queue: { limit: 3 } })
  const server = await governedApp(t, { options: { budget } })
  t.equal(server.app.plimsoll.budget, budget)
  await leavesNothing(t, server.governor, async () => (await send(server.port, '/next', { body: '' })).status)
})
