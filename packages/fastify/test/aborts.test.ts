import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { head, open, RawClient, send } from './fixtures/client.ts'
import { type GovernedApp, governedApp, idle, KiB, MiB } from './fixtures/governed-app.ts'
import { gate, soon, until } from './fixtures/until.ts'

const waits = (server: GovernedApp, requests: number) =>
  until(() => server.governor.stats().waiting === requests, `${requests} to wait`)

t.test('a client that leaves the queue is not served', async t => {
  let served = 0
  const server = await governedApp(t, {
    routes: app => {
      app.addHook('preHandler', async () => void served++)
      app.get('/', { config: { plimsoll: { cost: '1MiB' } } }, async () => 'served')
    },
  })

  await t.test('and leaves at once where it has no body', async t => {
    const taken = server.governor.budget.tryAcquire('1MiB')
    const client = await RawClient.to(server.port)
    client.write(head('GET /'))
    await waits(server, 1)
    client.destroy()
    await waits(server, 0)
    t.equal(server.governor.budget.reserved, MiB, 'before anything came free')
    taken?.release()
    await idle(server.governor)
    t.equal(served, 0)
    await server.leavesNothing(t)
    served = 0
  })

  await t.test('and leaves at once where its body is small', async t => {
    const taken = server.governor.budget.tryAcquire('1MiB')
    const client = await RawClient.to(server.port)
    client.write(`${head('POST /next', { 'content-type': 'text/plain', 'content-length': 5 })}hello`)
    await waits(server, 1)
    client.destroy()
    await waits(server, 0)
    taken?.release()
    await idle(server.governor)
    t.equal(served, 0)
    await server.leavesNothing(t)
    served = 0
  })

  // Its socket is paused on what nobody reads yet, so that only reading tells. (A FIN behind a whole body is
  // seen by nobody before the handler.)
  await t.test('and is noticed at its grant where it has sent a body and reset', async t => {
    const taken = server.governor.budget.tryAcquire('1MiB')
    const client = await RawClient.to(server.port)
    client.write(head('POST /next', { 'content-type': 'text/plain', 'content-length': 500 * KiB }))
    client.write(Buffer.alloc(500 * KiB))
    await waits(server, 1)
    await until(() => client.socket.writableLength === 0, 'all to be sent')
    client.socket.resetAndDestroy()
    await client.closed
    taken?.release()
    await idle(server.governor)
    t.equal(served, 0)
    await server.leavesNothing(t)
    served = 0
  })

  await t.test('and is noticed where it was sending still', async t => {
    const taken = server.governor.budget.tryAcquire('1MiB')
    const client = await RawClient.to(server.port)
    client.write(head('POST /next', { 'content-type': 'text/plain', 'content-length': 1_000_000 }))
    client.write(Buffer.alloc(900_000))
    await waits(server, 1)
    client.destroy()
    await client.closed
    taken?.release()
    await idle(server.governor)
    t.equal(served, 0)
    await server.leavesNothing(t)
  })
})

t.test('those behind a client that left the queue are served', async t => {
  const server = await governedApp(t, {
    // Else it would not have waited behind the client.
    options: { budget: '1MiB', queue: { passBytes: 0 } },
    routes: app => app.get('/', { config: { plimsoll: { cost: '1MiB' } } }, async () => 'served'),
  })
  const taken = server.governor.budget.tryAcquire('512KiB')
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await waits(server, 1)
  const behind = send(server.port, '/next', { body: '1', headers: { 'content-type': 'text/plain' } })
  await waits(server, 2)
  client.destroy()
  t.equal((await behind).status, 200, 'while the rest is still taken')
  taken?.release()
  await server.leavesNothing(t)
})

t.test('a client that leaves during its upload releases', async t => {
  const server = await governedApp(t)
  for (const headers of [{ 'content-length': 500 * KiB }, { 'transfer-encoding': 'chunked' }]) {
    const req = open(server.port, '/next', {
      method: 'POST',
      headers: { 'content-type': 'text/plain', ...headers },
    })
    req.write(Buffer.alloc(100 * KiB))
    await until(() => server.governor.stats().paidIn === 100 * KiB, 'a part to arrive')
    t.ok(server.governor.budget.reserved >= 500 * KiB)
    req.destroy()
    await server.leavesNothing(t)
  }
})

t.test('a client that leaves while its handler works releases, and aborts its signal', async t => {
  const aborted: unknown[] = []
  const server = await governedApp(t, {
    routes: app =>
      app.post('/', async request => {
        const { signal } = request.plimsoll
        await once(signal, 'abort')
        aborted.push(signal.reason)
        return 'to nobody'
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(`${head('POST /', { 'content-type': 'text/plain', 'content-length': 5 })}hello`)
  await until(() => server.governor.stats().paidIn === 5, 'the body to arrive')
  t.equal(server.governor.budget.reserved, 5)
  client.destroy()
  await until(() => aborted.length > 0, 'the signal to abort')
  t.match(aborted, [{ code: 'ERR_PLIMSOLL_CLIENT_GONE' }])
  await server.leavesNothing(t)
})

t.test('a handler whose client is served does not see its signal abort', async t => {
  const signals: AbortSignal[] = []
  const server = await governedApp(t, {
    routes: app =>
      app.post('/', async request => {
        signals.push(request.plimsoll.signal)
        return 'served'
      }),
  })
  t.equal(
    (await send(server.port, '/', { body: 'x', headers: { 'content-type': 'text/plain' } })).status,
    200,
  )
  await server.leavesNothing(t)
  t.equal(signals[0]?.aborted, false)
})

t.test('a client that leaves during its download releases, and its source is closed', async t => {
  const sources: Readable[] = []
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '64KiB' },
    routes: app =>
      app.get('/', (_request, reply) => {
        const source = new Readable({
          read() {
            this.push(Buffer.alloc(64 * KiB))
          },
        })
        sources.push(source)
        return reply.send(source)
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await client.reads(/HTTP\/1\.1 200/)
  t.ok(server.governor.budget.reserved >= 64 * KiB)
  client.destroy()
  await server.leavesNothing(t)
  await until(() => sources[0]?.destroyed === true, 'the source to be closed')
})

t.test('a client that leaves a download of one large buffer releases, and aborts its signal', async t => {
  const signals: AbortSignal[] = []
  const server = await governedApp(t, {
    options: { budget: '64MiB', cost: '1MiB' },
    routes: app =>
      app.get('/', async request => {
        signals.push(request.plimsoll.signal)
        return Buffer.alloc(32 * MiB)
      }),
  })
  const client = await RawClient.to(server.port)
  client.socket.pause()
  client.write(head('GET /'))
  await until(() => server.governor.budget.reserved >= MiB, 'the download')
  client.destroy()
  await server.leavesNothing(t)
  t.equal(signals[0]?.aborted, true)
})

t.test('onRequestAbort of a user runs for an abort, and not for a refusal', async t => {
  const aborted: string[] = []
  const server = await governedApp(t, {
    routes: app => {
      app.addHook('onRequestAbort', async request => void aborted.push(request.url))
      app.post('/limited', { bodyLimit: KiB }, async () => 'served')
    },
  })
  const req = open(server.port, '/next', {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'content-length': 1000 },
  })
  req.write('x'.repeat(10))
  await until(() => server.governor.stats().paidIn === 10, 'a part to arrive')
  req.destroy()
  await until(() => aborted.length > 0, 'the hook to run')
  t.strictSame(aborted, ['/next'])

  const headers = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }
  t.equal((await send(server.port, '/limited', { body: Buffer.alloc(4 * KiB), headers })).status, 413)
  await server.leavesNothing(t)
  t.strictSame(aborted, ['/next'])
})

t.test('ten pipelined requests whose connection is cut release, each once', async t => {
  const cut = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '64KiB' },
    routes: app => app.get('/', () => cut.promise),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /').repeat(10))
  await until(() => {
    const { active, waiting } = server.governor.stats()
    return active + waiting === 10
  }, 'ten requests')
  t.match(server.governor.stats(), { active: 1, waiting: 9 }, 'one at a time, in their order')
  client.destroy()
  await server.leavesNothing(t)
  const { admitted, released, refused } = server.governor.stats()
  t.strictSame([admitted, released, refused.ERR_PLIMSOLL_CLIENT_GONE], [2, 2, 9], 'with the next request')
  cut.open()
})

t.test('ten pipelined requests that cost nothing release when their connection is cut', async t => {
  let handled = 0
  const server = await governedApp(t, {
    routes: app =>
      app.get('/', () => {
        handled++
        return new Promise(() => {})
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /').repeat(10))
  await until(() => handled === 10, 'ten requests')
  t.equal(server.governor.stats().active, 10)
  client.destroy()
  await server.leavesNothing(t)
})

t.test('pipelined requests whose handlers end after the cut release', async t => {
  const proceed = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '64KiB' },
    routes: app =>
      app.get('/', async (_request, reply) => {
        reply.raw.write('first')
        await proceed.promise
        return reply.hijack().raw.end('last')
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /').repeat(3))
  await client.reads(/first/)
  client.destroy()
  await idle(server.governor)
  proceed.open()
  await server.leavesNothing(t)
})

t.test('a half-closed client is still answered', async t => {
  const server = await governedApp(t)
  const taken = server.governor.budget.tryAcquire('1MiB')
  const client = await RawClient.to(server.port)
  client.write(`${head('POST /next', { 'content-type': 'text/plain', 'content-length': 5 })}hello`)
  client.socket.end()
  await waits(server, 1)
  taken?.release()
  await soon(client.closed, 'the connection to close')
  await server.leavesNothing(t)
})

t.test('a flood of uploads that all leave midway leaves nothing', async t => {
  const server = await governedApp(t, { options: { budget: '256KiB' } })
  const uploads = Array.from({ length: 50 }, () => {
    const req = open(server.port, '/next', {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'content-length': 64 * KiB },
    })
    req.write('x'.repeat(KiB))
    return req
  })
  await until(() => {
    const { active, waiting } = server.governor.stats()
    return active + waiting === 50
  }, 'all to come in')
  t.match(server.governor.stats(), { active: 4, waiting: 46, reserved: 256 * KiB })
  for (const req of uploads) req.destroy()
  await server.leavesNothing(t)
})

t.test('what a handler held grows, shrinks and is given back whole', async t => {
  const proceed = gate()
  const after: unknown[] = []
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '64KiB' },
    routes: app =>
      app.get('/', async (request: FastifyRequest) => {
        const { plimsoll } = request
        t.equal(plimsoll.tryGrow('64KiB'), true)
        t.equal(plimsoll.tryGrow('1MiB'), false)
        plimsoll.shrink('100KiB')
        await proceed.promise
        setImmediate(async () => {
          await until(() => plimsoll.released, 'its release')
          plimsoll.shrink(0)
          after.push(plimsoll.tryGrow(1), plimsoll.bytes)
          plimsoll.hold(new Promise(() => {}))
          after.push(await plimsoll.requeue(1).catch(error => error.code))
        })
        return 'served'
      }),
  })
  const answer = send(server.port, '/')
  await until(() => server.governor.budget.reserved === 100 * KiB, 'growing and shrinking')
  proceed.open()
  t.equal((await answer).status, 200)
  await until(() => after.length === 3, 'the late calls')
  t.strictSame(after, [false, 0, 'ERR_PLIMSOLL_RELEASED'])
  await server.leavesNothing(t)
})
