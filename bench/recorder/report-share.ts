import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { nodeHttp } from '../overhead/frameworks/node-http.ts'
import type { InFront } from '../overhead/in-front.ts'

/** What the report needs of core, and nothing else does. */
const REPORT = /packages\/core\/.*\/(traffic|routes|path-patterns|route-measures|measure)\.[jt]s$/
const SECONDS = 3

/**
 * Which part of a hello server's CPU goes into measuring requests for the report, as its profiler sees it. On the
 * barest server, where it is largest: `report-share.ts <in front>`.
 */
const [inFront = ''] = process.argv.slice(2)
const server = await nodeHttp(inFront as InFront)
const client = startClient((server.address() as AddressInfo).port)
await load()
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: 200 })
await session.post('Profiler.start')
await load()
const { profile } = await session.post('Profiler.stop')
const urls = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
let all = 0
let report = 0
for (const [at, id] of (profile.samples ?? []).entries()) {
  const { functionName, url } = urls.get(id) ?? { functionName: '', url: '' }
  const micros = profile.timeDeltas?.[at] ?? 0
  if (functionName === '(idle)') continue
  all += micros
  if (REPORT.test(url)) report += micros
}
client.disconnect()
process.send?.(report / all, () => process.exit())

function startClient(port: number): ChildProcess {
  const module = fileURLToPath(new URL('../overhead/load/process.ts', import.meta.url))
  return fork(module, [String(port), 'hello', 'HTTP/1'], {
    execArgv: ['--import', import.meta.resolve('tsx')],
  })
}

async function load(): Promise<void> {
  client.send({ seconds: SECONDS })
  await once(client, 'message')
}
