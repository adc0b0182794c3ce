import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { UNCOVERED } from '@plimsoll/contract'
import { Governor } from '@plimsoll/core'
import t from 'tap'
import { agentCheck } from '../src/index.ts'
import { FrontProxy, haveHaproxy } from './fixtures/haproxy.ts'

t.setTimeout(300_000)

const CROWD = 10_000
const CONNECTIONS = 64

t.test('10,000 connections, half-open ones and garbage do not disturb the server, nor HAProxy', async t => {
  if (!(await haveHaproxy(t))) return
  const governor = new Governor({ budget: '64MiB' })
  const server = createServer(governor.listener((_req, res) => res.end('ok'))).listen(0, '127.0.0.1')
  const agent = await agentCheck(governor, { port: 0, connections: CONNECTIONS })
  t.teardown(() => {
    agent.close()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const agentPort = (agent.address() as AddressInfo).port
  const proxy = await FrontProxy.start(t, {
    budget: '64MiB',
    requestSize: '4MiB',
    servers: [{ host: '127.0.0.1', port, agentPort }],
  })
  await proxy.becomes('pod1', { status: 'UP', agent_status: 'L7OK' })

  const crowd = fork(
    fileURLToPath(new URL('./fixtures/agent-crowd.ts', import.meta.url)),
    [String(agentPort), String(CROWD)],
    { env: { ...process.env, ...UNCOVERED } },
  )
  const over = once(crowd, 'message')
  let gone = false
  void over.then(() => {
    gone = true
  })
  let most = 0
  let requests = 0
  while (!gone) {
    const response = await fetch(`http://127.0.0.1:${proxy.port}`)
    const text = await response.text()
    if (text !== 'ok') t.fail(text)
    requests++
    const open = await new Promise<number>(resolve => agent.getConnections((_error, n) => resolve(n)))
    most = Math.max(most, open)
  }
  const [{ came }] = await over
  t.equal(came, CROWD)
  t.ok(requests > 10, `${requests} requests were served meanwhile`)
  t.ok(most <= CONNECTIONS + 1, `${most} open at most`)
  // And it tells HAProxy still.
  governor.drain()
  await proxy.becomes('pod1', { status: 'DRAIN' })
})
