import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { Governor } from '../src/governor.ts'
import { type ClosingServer, shutdown, shutdownOnSignal } from '../src/graceful-shutdown.ts'
import { anyValue } from './fixtures/any-value.ts'
import { deferred } from './fixtures/deferred.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

/** A server whose requests to /held are answered once `answer` is resolved. */
async function start(t: Test) {
  const governor = new Governor({ budget: 100, cost: 60, logger: silent })
  const answer = deferred()
  const server = createServer(
    governor.listener(async (req, res) => {
      if (req.url === '/held') await answer.promise
      res.end('done')
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  })
  return { governor, answer, server, agent, clock: new FakeClock(t) }
}

async function ask(server: Server, agent: Agent, path: string): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo
  const sent = request({ host: '127.0.0.1', port, path, agent }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response
}

t.test('it serves on while others turn away, and keeps no connection', async t => {
  const { governor, server, agent, clock } = await start(t)
  t.equal((await ask(server, agent, '/')).headers.connection, 'keep-alive')
  const over = shutdown(governor, server)
  t.match(governor.health(), { ready: false, live: true })
  const { statusCode, headers } = await ask(server, agent, '/')
  t.strictSame([statusCode, headers.connection], [200, 'close'])
  clock.tick(4999)
  t.equal(server.listening, true)
  clock.tick(1)
  await over
  t.equal(server.listening, false)
})

t.test('then it refuses who comes and waits, and lets the admitted finish', async t => {
  const { governor, server, agent, clock, answer } = await start(t)
  const held = ask(server, agent, '/held')
  await until(() => governor.stats().active === 1, 'an admitted one')
  const waits = ask(server, agent, '/')
  await until(() => governor.stats().waiting === 1, 'one that waits')
  let closed = false
  const over = shutdown(governor, server, { drainMs: 0 }).then(() => {
    closed = true
  })
  clock.tick(1)
  t.equal((await waits).statusCode, 503)
  t.equal(server.listening, false)
  t.equal(closed, false)
  answer.resolve()
  t.equal((await held).statusCode, 200)
  // A connection that asks for nothing does not hold it up.
  await until(() => closed, 'the end')
  await over
  t.equal(governor.stats().reserved, 0)
})

t.test('half a head holds it up for a second, not for its own time-out', async t => {
  const { governor, server, clock } = await start(t)
  const slow = connect((server.address() as AddressInfo).port, '127.0.0.1')
  slow.write('GET / HT')
  await once(server, 'connection')
  await once(slow, 'connect')
  const over = shutdown(governor, server, { drainMs: 0 })
  clock.tick(1)
  await until(() => clock.pending > 0, 'the last second')
  const gone = new Promise(resolve => slow.once('close', resolve))
  slow.on('error', () => {})
  clock.tick(1000)
  await over
  await gone
})

t.test('who is not done in time is cut off, and that is said', async t => {
  const { governor, server, agent, clock } = await start(t)
  const held = ask(server, agent, '/held')
  held.catch(() => {})
  await until(() => governor.stats().active === 1, 'an admitted one')
  const over = shutdown(governor, server, { drainMs: 0, timeoutMs: 500 })
  over.catch(() => {})
  clock.tick(1)
  await until(() => clock.pending > 0, 'the time-out')
  clock.tick(500)
  await t.rejects(over, { code: 'ERR_PLIMSOLL_CLOSE_TIMEOUT' })
  await t.rejects(held, { code: 'ECONNRESET' })
  t.equal(server.listening, false)
})

t.test('what has a server of its own closes it by itself', async t => {
  const { governor, server, clock } = await start(t)
  const app = { server, close: async () => void server.close() }
  const over = shutdown(governor, app, { drainMs: 0 })
  clock.tick(1)
  await over
  t.equal(server.listening, false)
})

t.test('a connection that was upgraded does not keep it from ending', async t => {
  const { governor, server, clock } = await start(t)
  server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  })
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => client.destroy())
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n')
  await once(client, 'data')
  let ended = false
  const over = shutdown(governor, server, { drainMs: 0 }).then(() => {
    ended = true
  })
  await until(() => {
    clock.tick(1000)
    return ended
  }, 'the end')
  await over
  t.equal(client.destroyed, false, 'it is of who has upgraded it')
})

t.test('what goes wrong with closing is told at the end, and loses nobody who is admitted', async t => {
  const { governor, server, agent, clock, answer } = await start(t)
  const held = ask(server, agent, '/held')
  await until(() => governor.stats().active === 1, 'an admitted one')
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const close = async (): Promise<void> => {
    server.close()
    throw new Error('of a hook')
  }
  const told = t.rejects(shutdown(governor, { server, close }, { drainMs: 0 }), { message: 'of a hook' })
  clock.tick(1)
  await until(() => !server.listening, 'closing')
  await setImmediate()
  answer.resolve()
  t.equal((await held).statusCode, 200)
  await told
  t.same(unhandled, [])
})

t.test('and leaves no timer', async t => {
  const { governor, server, clock } = await start(t)
  const over = shutdown(governor, server, { drainMs: 0 })
  clock.tick(1)
  await over
  t.equal(clock.pending, 0)
})

t.test('a signal starts it, once', async t => {
  const { governor, server, clock } = await start(t)
  const options = { drainMs: 5, signals: ['SIGUSR2', 'SIGTERM'] as const }
  const listeners = (): number => process.listenerCount('SIGUSR2') + process.listenerCount('SIGTERM')
  const before = listeners()
  const over = shutdownOnSignal(governor, server, options)
  t.equal(governor.draining, false)
  process.kill(process.pid, 'SIGUSR2')
  await until(() => governor.draining, 'the signal')
  t.equal(listeners(), before, 'a second one is not ours')
  await until(() => clock.pending > 0, 'the drain')
  clock.tick(5)
  await over
  t.equal(server.listening, false)
})

for (const [server, options, message] of [
  [null, {}, /^server must be an HTTP\/1 server/],
  [{}, {}, /^server must be/],
  [{ server: {} }, {}, /^server must be/],
  [createServer(), { drainMs: -1 }, /^drainMs must be a whole number from 0/],
  [createServer(), { timeoutMs: Number.NaN }, /^timeoutMs/],
  [createServer(), { drain: 5 }, /^the key "drain" of options/],
] as const) {
  t.test(`${inspect(options)} is refused`, async t => {
    const governor = new Governor({ budget: 5, logger: silent })
    const expected = { code: 'ERR_PLIMSOLL_OPTION', message }
    await t.rejects(shutdown(governor, anyValue<ClosingServer>(server), anyValue(options)), expected)
    await t.rejects(shutdownOnSignal(governor, anyValue<ClosingServer>(server), anyValue(options)), expected)
    t.equal(governor.draining, false)
  })
}

t.test('signals are a list of some', async t => {
  const governor = new Governor({ budget: 5, logger: silent })
  for (const signals of [[], 'SIGTERM'])
    await t.rejects(shutdownOnSignal(governor, createServer(), anyValue({ signals })), {
      message: /^signals must be a list/,
    })
})
