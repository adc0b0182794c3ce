import { Agent } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { head, RawClient, send } from './fixtures/client.ts'
import { governedApp, idle, KiB, MiB } from './fixtures/governed-app.ts'
import { gate, until } from './fixtures/until.ts'

const text = { 'content-type': 'text/plain' }

t.test('a connection is used again after a refusal that has no large body behind it', async t => {
  const server = await governedApp(t, {
    options: { budget: '1KiB', queue: { limit: 0 } },
    routes: app => {
      app.get('/work', { config: { plimsoll: { cost: '1KiB' } } }, async () => 'worked')
      app.get('/dear', { config: { plimsoll: { cost: '1MiB' } } }, async () => 'never')
    },
  })
  let connections = 0
  server.app.server.on('connection', () => connections++)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (let round = 1; round <= 5; round++) {
    const taken = server.governor.budget.tryAcquire('1KiB')
    t.equal((await send(server.port, '/work', { agent })).status, 503)
    t.equal((await send(server.port, '/next', { agent, body: 'x', headers: text })).status, 503)
    taken?.release()
    t.equal((await send(server.port, '/dear', { agent })).status, 503)
    t.equal(
      (await send(server.port, '/next', { agent, body: Buffer.alloc(60 * KiB), headers: text })).status,
      413,
    )
    t.equal((await send(server.port, '/work', { agent })).status, 200)
    await idle(server.governor)
  }
  t.equal(connections, 1)
  await server.leavesNothing(t)
})

t.test('a connection gathers no listeners over its requests', async t => {
  const listeners: number[] = []
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '1KiB' },
    routes: app =>
      app.get('/', async request => {
        const { socket } = request.raw
        listeners.push(socket.eventNames().reduce((sum, event) => sum + socket.listenerCount(event), 0))
        return 'hello'
      }),
  })
  const client = await RawClient.to(server.port)
  for (let request = 1; request <= 30; request++) {
    client.write(head('GET /'))
    await until(() => client.answers.length === request, `answer ${request}`)
  }
  t.equal(listeners.length, 30)
  t.equal(new Set(listeners.slice(1)).size, 1, 'the same at each request')
  client.destroy()
  await server.leavesNothing(t)
})

t.test('an idle kept-alive connection keeps nothing of its last request\u2019s body', async t => {
  const refs: WeakRef<object>[] = []
  const server = await governedApp(t, {
    options: { budget: '64MiB' },
    server: { bodyLimit: 32 * MiB },
    routes: app => {
      app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
      app.post('/', async request => {
        refs.push(
          new WeakRef(request.body as Buffer),
          new WeakRef(request.raw),
          new WeakRef(request.plimsoll),
        )
        return (request.body as Buffer).length
      })
    },
  })
  const client = await RawClient.to(server.port)
  client.write(head('POST /', { 'content-type': 'application/octet-stream', 'content-length': 4 * MiB }))
  client.write(Buffer.alloc(4 * MiB))
  await until(() => client.answers.length === 1, 'the answer')
  await idle(server.governor)
  await until(() => {
    global.gc?.()
    return refs.every(ref => ref.deref() === undefined)
  }, 'the body to be collected, and all that might lead to it')
  t.equal(client.socket.destroyed, false, 'while the connection is open')
  t.equal(refs.length, 3)
  await server.leavesNothing(t)
  client.destroy()
})

t.test('a connection whose uploads were refused keeps nothing of them', async t => {
  const errors: WeakRef<object>[] = []
  const server = await governedApp(t, {
    options: { budget: '1MiB', maxBody: '1KiB' },
    routes: app =>
      app.setErrorHandler((error: Error & { statusCode: number }, request, reply) => {
        errors.push(new WeakRef(error), new WeakRef(request), new WeakRef(request.raw))
        return reply.code(error.statusCode).send('refused')
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('POST /next', { 'content-type': 'text/plain', 'content-length': 2 * KiB }))
  client.write(Buffer.alloc(2 * KiB))
  await until(() => client.answers.length === 1, 'the answer')
  // Node's parser keeps the last request itself until another comes.
  client.write(head('GET /nowhere'))
  await until(() => client.answers.length === 2, 'another answer')
  await until(() => {
    global.gc?.()
    return errors.every(ref => ref.deref() === undefined)
  }, 'the refusal to be collected')
  t.equal(client.socket.destroyed, false)
  t.equal(errors.length, 3)
  client.destroy()
  await server.leavesNothing(t)
})

t.test('pipelined requests are answered in their order, however they cost', async t => {
  const server = await governedApp(t, {
    options: { budget: '64KiB' },
    routes: app => {
      for (const [path, cost] of [
        ['/free', 0],
        ['/cheap', 1],
        ['/all', '64KiB'],
      ] as const) {
        app.get(path, { config: { plimsoll: { cost } } }, async () => path)
      }
    },
  })
  const order = ['/all', '/free', '/all', '/cheap', '/all', '/all', '/free', '/cheap', '/cheap', '/all']
  const client = await RawClient.to(server.port)
  client.write(order.map(path => head(`GET ${path}`)).join(''))
  await until(() => client.answers.length === 10, 'ten answers')
  await client.reads(/\/all$/)
  t.strictSame(
    client.received.match(/^\/\w+/gm)?.map(path => path.replace('HTTP', '')),
    order,
  )
  client.destroy()
  await server.leavesNothing(t)
})

t.test('of the requests pipelined on one connection 64 may be open, whatever the queue holds', async t => {
  const proceed = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '1KiB', queue: { limit: 3 } },
    routes: app =>
      app.get('/', async () => {
        await proceed.promise
        return 'hello'
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /').repeat(70))
  await until(
    () => server.governor.stats().refused.ERR_PLIMSOLL_QUEUE_FULL === 6,
    'those too many to be refused',
  )
  t.match(server.governor.stats(), { active: 1, waiting: 63, reserved: KiB })
  proceed.open()
  await until(() => client.answers.length === 70, 'all answers')
  t.strictSame(client.answers, [...Array(64).fill(200), ...Array(6).fill(503)])
  client.destroy()
  await server.leavesNothing(t)
})

t.test('two connections that pipeline against each other both get on', async t => {
  const server = await governedApp(t, {
    options: { budget: '64KiB', cost: '64KiB' },
    routes: app =>
      app.get('/', async () => {
        await turn()
        return 'hello'
      }),
  })
  const clients = await Promise.all([RawClient.to(server.port), RawClient.to(server.port)])
  for (const client of clients) client.write(head('GET /').repeat(10))
  for (const client of clients) {
    await until(() => client.answers.length === 10, 'ten answers')
    client.destroy()
  }
  t.equal(server.governor.stats().admitted, 20)
  await server.leavesNothing(t)
})

t.test('a large upload that waited has its connection closed, a small one keeps it', async t => {
  const server = await governedApp(t)
  for (const [size, connection] of [
    [KiB, 'keep-alive'],
    [500 * KiB, 'close'],
  ] as const) {
    const taken = server.governor.budget.tryAcquire('1MiB')
    const sent = send(server.port, '/next', { body: Buffer.alloc(size, 'x'), headers: text })
    await until(() => server.governor.stats().waiting === 1, 'it to wait')
    taken?.release()
    const answer = await sent
    t.strictSame([answer.status, answer.headers.connection, answer.body.length], [200, connection, size])
    await server.leavesNothing(t)
  }
  const unhurried = await send(server.port, '/next', { body: Buffer.alloc(500 * KiB, 'x'), headers: text })
  t.equal(unhurried.headers.connection, 'keep-alive', 'and so does a large one that did not wait')
  await server.leavesNothing(t)
})
