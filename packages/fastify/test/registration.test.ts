import type { AddressInfo } from 'node:net'
import { Governor } from '@plimsoll/core'
import Fastify from 'fastify'
import t from 'tap'
import named, { plimsoll } from '../src/index.ts'
import { head, RawClient, send } from './fixtures/client.ts'
import { governedApp, idle, KiB, MiB } from './fixtures/governed-app.ts'
import { gate, until } from './fixtures/until.ts'

const TWICE = { code: 'ERR_PLIMSOLL_REGISTERED_TWICE' }

t.test('the default export and the named one are the same plugin', async t => {
  t.equal(named, plimsoll)
})

t.test('a second registration on one server is refused', async t => {
  const app = Fastify()
  await app.register(plimsoll, { budget: '1MiB' })
  await t.rejects(async () => {
    await app.register(plimsoll, { budget: '1MiB' })
  }, TWICE)
})

t.test('a second registration is refused with a shared governor too', async t => {
  const governor = new Governor({ budget: '1MiB' })
  const app = Fastify()
  app.register(plimsoll, { governor })
  app.register(plimsoll, { governor })
  await t.rejects(async () => {
    await app.ready()
  }, TWICE)
})

t.test('a registration in a child of a governed server is refused', async t => {
  const app = Fastify()
  await app.register(plimsoll, { budget: '1MiB' })
  app.register(async child => {
    child.register(async grandchild => {
      await grandchild.register(plimsoll, { budget: '1MiB' })
    })
  })
  await t.rejects(async () => {
    await app.ready()
  }, TWICE)
})

t.test('a child plugin\u2019s routes are governed by its parent\u2019s governor', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '2KiB' },
    routes: app =>
      app.register(
        async child => {
          t.equal(child.plimsoll, app.plimsoll)
          child.get('/', async request => ({ bytes: request.plimsoll.bytes }))
          child.get('/dear', { config: { plimsoll: { cost: '4KiB' } } }, async request => ({
            bytes: request.plimsoll.bytes,
          }))
        },
        { prefix: '/child' },
      ),
  })
  t.strictSame((await send(server.port, '/child')).json(), { bytes: 2 * KiB })
  t.strictSame((await send(server.port, '/child/')).json(), { bytes: 2 * KiB })
  t.strictSame((await send(server.port, '/child/dear')).json(), { bytes: 4 * KiB })
  t.equal(server.governor.stats().admitted, 3, 'each was admitted once')
  await server.leavesNothing(t)
})

t.test('registered in a child, it governs that child alone', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  let governor: Governor | undefined
  app.register(async child => {
    await child.register(plimsoll, { budget: '1MiB', cost: '2KiB' })
    governor = child.plimsoll
    child.get('/governed', async request => ({ bytes: request.plimsoll.bytes }))
  })
  app.get('/free', async request => ({ governed: 'plimsoll' in request }))
  await app.ready()
  t.notOk(app.hasDecorator('plimsoll'))
  t.strictSame((await app.inject('/governed')).json(), { bytes: 2 * KiB })
  t.strictSame((await app.inject('/free')).json(), { governed: false })
  t.strictSame((await app.inject('/nowhere')).statusCode, 404)
  t.equal(governor?.stats().admitted, 1)
})

t.test('siblings may each have a governor of their own', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const governors: Governor[] = []
  for (const [path, cost] of [
    ['/one', '1KiB'],
    ['/other', '2KiB'],
  ] as const) {
    app.register(async child => {
      await child.register(plimsoll, { budget: '1MiB', cost })
      governors.push(child.plimsoll)
      child.get(path, async request => ({ bytes: request.plimsoll.bytes }))
    })
  }
  await app.ready()
  t.strictSame((await app.inject('/one')).json(), { bytes: KiB })
  t.strictSame((await app.inject('/other')).json(), { bytes: 2 * KiB })
  t.not(governors[0], governors[1])
  t.strictSame(
    governors.map(governor => governor.stats().admitted),
    [1, 1],
  )
})

t.test('requests of siblings on one connection are released each to its own governor', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const governors: Governor[] = []
  for (const path of ['/one', '/other']) {
    app.register(async child => {
      await child.register(plimsoll, { budget: '1MiB', cost: '1KiB' })
      governors.push(child.plimsoll)
      child.get(path, async () => path)
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = await RawClient.to((app.server.address() as AddressInfo).port)
  for (const path of ['/one', '/other', '/one', '/other']) {
    client.write(head(`GET ${path}`))
  }
  await until(() => client.answers.length === 4, 'four answers')
  t.strictSame(client.answers, [200, 200, 200, 200])
  for (const governor of governors) {
    await idle(governor)
    t.equal(governor.stats().released, 2)
  }
  client.destroy()
})

// Fastify hands the hooks of a parent down to children it has already, where no decorator can be seen.
t.test(
  'a parent registered after its child reprices the child\u2019s requests, and admits none twice',
  async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    const inner = new Governor({ budget: '1MiB' })
    await app.register(async child => {
      await child.register(plimsoll, { governor: inner, cost: '1KiB' })
      child.get('/inner', async request => ({ bytes: request.plimsoll.bytes, held: inner.budget.reserved }))
    })
    await app.register(plimsoll, { budget: '1MiB', cost: '2KiB' })
    app.get('/outer', async request => ({ bytes: request.plimsoll.bytes, held: inner.budget.reserved }))
    await app.ready()
    t.strictSame((await app.inject('/inner')).json(), { bytes: 2 * KiB, held: 2 * KiB })
    t.equal(inner.stats().admitted, 1)
    t.equal(app.plimsoll.stats().admitted, 0)
    t.strictSame((await app.inject('/outer')).json(), { bytes: 2 * KiB, held: 0 })
    t.equal(inner.stats().admitted, 1)
    t.equal(app.plimsoll.stats().admitted, 1)
    await idle(inner)
    await idle(app.plimsoll)
  },
)

t.test('plugins can ask for it by name', async t => {
  const { default: fp } = await import('fastify-plugin')
  const dependent = fp(async () => {}, { name: 'dependent', dependencies: ['@plimsoll/fastify'] })
  const app = Fastify()
  await app.register(plimsoll, { budget: '1MiB' })
  await app.register(dependent)
  await app.ready()
  t.ok(app.hasPlugin('@plimsoll/fastify'))
  t.ok(app.hasRequestDecorator('plimsoll'))
})

t.test('a second admission by hand only adjusts the first', async t => {
  const proceed = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '1KiB' },
    routes: app =>
      app.get('/', async (request, reply) => {
        const again = app.plimsoll.admit(request.raw, reply.raw, { cost: '8KiB' })
        t.equal(await again, request.plimsoll)
        await proceed.promise
        return { bytes: request.plimsoll.bytes }
      }),
  })
  const answer = send(server.port, '/')
  await until(() => server.governor.budget.reserved === 8 * KiB, 'the second price')
  proceed.open()
  t.strictSame((await answer).json(), { bytes: 8 * KiB })
  t.equal(server.governor.stats().admitted, 1)
  t.equal(server.governor.budget.capacity, MiB)
  await server.leavesNothing(t)
})
