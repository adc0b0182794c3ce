import type { AddressInfo } from 'node:net'
import { shutdownOnSignal } from '@plimsoll/core'
import { agentCheck } from '@plimsoll/haproxy'
import { buildApp } from '../../object-store/src/app.ts'
import { DiskStorage } from '../../object-store/src/disk-storage.ts'
import { masterKeyOf } from '../../object-store/src/master-key.ts'
import { MemoryStorage } from '../../object-store/src/memory-storage.ts'
import { resolveServerOptions } from '../../object-store/src/server-options.ts'
import { figures } from './figures.ts'

const { port, host, storage, dir, ...options } = resolveServerOptions(process.argv.slice(2), process.env)
const { AGENT_PORT: agentPort = figures.agentPort } = process.env

const app = await buildApp({
  ...options,
  storage: storage === 'disk' ? await DiskStorage.in(dir) : new MemoryStorage(),
  limits: { queue: { lane: figures.lane } },
  masterKey: masterKeyOf(process.env),
  logger: { level: 'warn', stream: process.stderr },
})
await app.listen({ port, host })
const listening = (app.server.address() as AddressInfo).port

if (options.governed) {
  // HAProxy is told how much fits, and to turn away from the start of a shutdown on.
  const { requestSize, concurrency, proxies, drainMs, shutdownMs: timeoutMs } = figures
  const agent = await agentCheck(app.plimsoll, {
    port: Number(agentPort),
    host,
    requestSize,
    concurrency,
    proxies,
  })
  console.log(JSON.stringify({ listening, agent: (agent.address() as AddressInfo).port }))
  await shutdownOnSignal(app.plimsoll, app, { drainMs, timeoutMs })
} else {
  process.once('SIGTERM', () => app.close())
  console.log(JSON.stringify({ listening }))
}
