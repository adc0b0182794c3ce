import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Governor } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { type AgentOptions, agentCheck } from '../src/index.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { FrontProxy, haveHaproxy } from './fixtures/haproxy.ts'
import { until } from './fixtures/until.ts'

t.setTimeout(300_000)

const MIB = 2 ** 20
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port

async function agentOf(t: Test, governor: Governor, options: Partial<AgentOptions> = {}): Promise<Server> {
  const agent = await agentCheck(governor, { port: 0, requestSize: 4 * MIB, ...options })
  t.teardown(() => agent.close())
  return agent
}

async function served(t: Test, governor: Governor): Promise<number> {
  const server = createServer(governor.listener((_req, res) => res.end('ok'))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return portOf(server)
}

t.test('HAProxy takes weight and maxconn as the budget fills, drains, and comes back', async t => {
  if (!(await haveHaproxy(t))) return
  const governor = new Governor({ budget: 64 * MIB })
  const agent = await agentOf(t, governor)
  const server = { host: '127.0.0.1', port: await served(t, governor), agentPort: portOf(agent) }
  const proxy = await FrontProxy.start(t, { budget: 64 * MIB, requestSize: 4 * MIB, servers: [server] })
  await proxy.becomes('pod1', { weight: '100', slim: '16', status: 'UP', agent_status: 'L7OK' })

  const held = governor.budget.tryAcquire(48 * MIB)
  await proxy.becomes('pod1', { weight: '25', slim: '4' })
  t.equal((await proxy.row('plimsoll-small', 'pod1')).slim, '64', 'small ones have limits of their own')
  const rest = governor.budget.tryAcquire(16 * MIB)
  await proxy.becomes('pod1', { weight: '1', slim: '1', status: 'UP' })
  held?.release()
  rest?.release()
  await proxy.becomes('pod1', { weight: '100', slim: '16', status: 'UP' })

  governor.drain()
  await proxy.becomes('pod1', { status: 'DRAIN' })
  await proxy.becomes('pod1', { status: 'DRAIN' }, 'plimsoll-small')
  t.equal(governor.budget.available, 64 * MIB)

  // As after a restart: another process answers at the same port.
  agent.close()
  await once(agent, 'close')
  await agentOf(t, new Governor({ budget: 64 * MIB }), { port: server.agentPort })
  await proxy.becomes('pod1', { weight: '100', status: 'UP' })
  await proxy.becomes('pod1', { status: 'UP' }, 'plimsoll-small')
})

t.test('it answers whatever is sent, and nothing at all', async t => {
  const agent = await agentOf(t, new Governor({ budget: 64 * MIB }))
  for (const sent of ['', 'small\n', 'GET / HTTP/1.1\r\n\r\n', '\u0000'.repeat(2000)]) {
    const socket = connect(portOf(agent), '127.0.0.1')
    socket.write(sent)
    t.equal(await text(socket), 'up ready 100% maxconn:16\n')
  }
})

t.test('who is not allowed is told nothing', async t => {
  const agent = await agentOf(t, new Governor({ budget: 64 * MIB }), { allow: ['192.0.2.0/24'] })
  await t.rejects(text(connect(portOf(agent), '127.0.0.1')), { code: 'ECONNRESET' })
})

t.test('a port in use is an error, and so is a wrong option', async t => {
  const governor = new Governor({ budget: 64 * MIB })
  const port = portOf(await agentOf(t, governor))
  await t.rejects(agentCheck(governor, { port }), { code: 'EADDRINUSE' })
  await t.rejects(agentCheck(governor, { port: -1 }), { code: 'ERR_PLIMSOLL_OPTION' })
})

t.test(
  'who stays is cut after a second, the oldest where they are too many, and at once who sends without end',
  async t => {
    const clock = new FakeClock(t)
    const agent = await agentOf(t, new Governor({ budget: 64 * MIB }), { connections: 2 })
    const count = (): Promise<number> =>
      new Promise((resolve, reject) =>
        agent.getConnections((error, n) => (error ? reject(error) : resolve(n))),
      )
    // They read their answer, and never end their side.
    const open = async (): Promise<Socket> => {
      const socket = connect({ port: portOf(agent), host: '127.0.0.1', allowHalfOpen: true })
      t.teardown(() => socket.destroy())
      socket.on('error', () => {})
      await once(socket.resume(), 'end')
      return socket
    }
    const flooding = await open()
    t.equal(await count(), 1)
    flooding.write(Buffer.alloc(MIB))
    await until(async () => (await count()) === 0, 'the end of who sends without end')

    for (let client = 0; client < 3; client++) await open()
    await until(async () => (await count()) === 2, 'the end of the oldest')
    t.equal(clock.pending, 2)
    clock.tick(999)
    t.equal(await count(), 2)
    clock.tick(1)
    await until(async () => (await count()) === 0, 'the end of those who stay')
  },
)
