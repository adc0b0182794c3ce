import { once } from 'node:events'
import t from 'tap'
import { head, RawClient, send } from './fixtures/client.ts'
import { governedApp, KiB, MiB } from './fixtures/governed-app.ts'
import { gate, turns, until } from './fixtures/until.ts'

const COST = 64 * KiB

t.test('a handler that answers and goes on holds until its work is over, however that ends', async t => {
  for (const [how, end] of [
    ['well', (work: { resolve(): void }) => work.resolve()],
    ['badly', (work: { reject(error: Error): void }) => work.reject(new Error('late failure'))],
  ] as const) {
    await t.test(how, async t => {
      const works: { resolve(): void; reject(error: Error): void }[] = []
      const server = await governedApp(t, {
        options: { budget: '1MiB', cost: COST },
        routes: app =>
          app.get('/', async request => {
            request.plimsoll.hold(
              new Promise<void>((resolve, reject) => {
                works.push({ resolve, reject })
              }),
            )
            return 'answered'
          }),
      })
      t.equal((await send(server.port, '/')).body.toString(), 'answered')
      // The connection has been closed by the client, so that all else is over too.
      await turns()
      t.match(server.governor.stats(), { active: 1, reserved: COST })
      for (const work of works) end(work)
      await server.leavesNothing(t)
    })
  }
})

t.test('held work that ends before the answer changes nothing', async t => {
  const answer = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: COST },
    routes: app =>
      app.get('/', async request => {
        request.plimsoll.hold(Promise.resolve())
        await answer.promise
        return 'answered'
      }),
  })
  const sent = send(server.port, '/')
  await until(() => server.governor.budget.reserved === COST, 'the request')
  await turns()
  t.equal(server.governor.budget.reserved, COST)
  answer.open()
  await sent
  await server.leavesNothing(t)
})

t.test('held work goes on after its client has left, told by the signal', async t => {
  const over = gate()
  let told: unknown
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: COST },
    routes: app =>
      app.get('/', request => {
        const { signal } = request.plimsoll
        request.plimsoll.hold(over.promise)
        signal.addEventListener('abort', () => {
          told = signal.reason
        })
        return new Promise(() => {})
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await until(() => server.governor.budget.reserved === COST, 'the request')
  client.destroy()
  await until(() => told !== undefined, 'the signal')
  t.match(told, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  t.equal(server.governor.budget.reserved, COST)
  over.open()
  await server.leavesNothing(t)
})

t.test('requeue gives back what is held, then waits its turn', async t => {
  const looked = gate()
  const finish = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB' },
    routes: app =>
      app.get('/', { config: { plimsoll: { cost: COST } } }, async request => {
        await looked.promise
        await request.plimsoll.requeue('512KiB')
        await finish.promise
        return { bytes: request.plimsoll.bytes }
      }),
  })
  const { budget } = server.governor
  const sent = send(server.port, '/')
  await until(() => budget.reserved === COST, 'the first price')
  const taken = budget.tryAcquire(960 * KiB)
  t.equal(budget.reserved, MiB)
  looked.open()
  await until(() => budget.waiting === 1, 'it to wait again')
  t.equal(budget.reserved, 960 * KiB, 'with nothing in its hands')
  taken?.release()
  await until(() => budget.reserved === 512 * KiB, 'the second price')
  finish.open()
  t.strictSame((await sent).json(), { bytes: 512 * KiB })
  await server.leavesNothing(t)
})

t.test('a requeue that finds no room goes the way of every refusal', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB', queue: { limit: 0 } },
    routes: app => {
      app.get('/', { config: { plimsoll: { cost: COST } } }, async request => {
        await request.plimsoll.requeue('512KiB')
        return 'served'
      })
      app.get('/never', { config: { plimsoll: { cost: COST } } }, async request => {
        await request.plimsoll.requeue('2MiB')
        return 'served'
      })
    },
  })
  const taken = server.governor.budget.tryAcquire('960KiB')
  t.match((await send(server.port, '/')).json(), { statusCode: 503, code: 'ERR_PLIMSOLL_QUEUE_FULL' })
  taken?.release()
  t.match((await send(server.port, '/never')).json(), {
    statusCode: 503,
    code: 'ERR_PLIMSOLL_COST_OVER_BUDGET',
  })
  await server.leavesNothing(t)
})

t.test('a client that leaves during a requeue ends it', async t => {
  const ended: unknown[] = []
  const server = await governedApp(t, {
    routes: app =>
      app.get('/', { config: { plimsoll: { cost: COST } } }, async request => {
        await request.plimsoll.requeue('1MiB').catch(error => ended.push(error.code))
        return 'to nobody'
      }),
  })
  const { budget } = server.governor
  const taken = budget.tryAcquire('512KiB')
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await until(() => budget.waiting === 1, 'the requeue')
  client.destroy()
  await until(() => ended.length === 1, 'its end')
  t.strictSame(ended, ['ERR_PLIMSOLL_CLIENT_GONE'])
  t.equal(budget.reserved, 512 * KiB)
  taken?.release()
  await server.leavesNothing(t)
})

t.test('a wrong size given by a handler is an error of that request alone', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: COST },
    routes: app => {
      app.get('/grow', async request => request.plimsoll.tryGrow(Number.NaN))
      app.get('/shrink', async request => request.plimsoll.shrink(-1))
      app.get('/requeue', async request => request.plimsoll.requeue('much'))
    },
  })
  for (const path of ['/grow', '/shrink', '/requeue']) {
    t.match((await send(server.port, path)).json(), { statusCode: 500, code: 'ERR_PLIMSOLL_OPTION' })
    await server.leavesNothing(t)
  }
})

t.test(
  'a budget that shrinks below what is reserved revokes nothing, and admits again when it may',
  async t => {
    const proceed = gate()
    const server = await governedApp(t, {
      options: { budget: '1MiB' },
      routes: app =>
        app.get('/', { config: { plimsoll: { cost: '512KiB' } } }, async () => {
          await proceed.promise
          return 'served'
        }),
    })
    const first = send(server.port, '/')
    await until(() => server.governor.budget.reserved === 512 * KiB, 'the first')
    server.governor.budget.resize('256KiB')
    const other = send(server.port, '/next', { body: 'x', headers: { 'content-type': 'text/plain' } })
    await until(() => server.governor.stats().waiting === 1, 'the next to wait')
    t.match(server.governor.stats(), { reserved: 512 * KiB, available: 0 })
    proceed.open()
    t.equal((await first).status, 200)
    t.equal((await other).status, 200)
    const large = send(server.port, '/')
    await until(() => server.governor.stats().waiting === 1, 'a request beyond the new size to wait')
    server.governor.budget.resize('1MiB')
    t.equal((await large).status, 200, 'and to be served when there is room again')
    await server.leavesNothing(t)
  },
)

t.test('held work keeps the connection free for its next request', async t => {
  const over = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: COST },
    routes: app =>
      app.get('/', async request => {
        request.plimsoll.hold(over.promise)
        return 'answered'
      }),
  })
  const client = await RawClient.to(server.port)
  for (let request = 1; request <= 3; request++) {
    client.write(head('GET /'))
    await until(() => client.answers.length === request, `answer ${request}`)
  }
  t.match(server.governor.stats(), { active: 3, reserved: 3 * COST })
  over.open()
  client.socket.end()
  await once(client.socket, 'close')
  await server.leavesNothing(t)
})
