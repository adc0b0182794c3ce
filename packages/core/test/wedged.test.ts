import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { GovernorStats } from '../src/governor-stats.ts'
import { until } from './fixtures/until.ts'

const MIB = 2 ** 20

t.test(
  'a server whose handlers hang fails its probe, is restarted by its supervisor, and serves again',
  async t => {
    const port = await freePort()
    const fixture = fileURLToPath(new URL('./fixtures/supervisor.ts', import.meta.url))
    const supervisor = spawn(process.execPath, [...process.execArgv, fixture, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(async () => {
      supervisor.kill('SIGTERM')
      await once(supervisor, 'exit')
    })
    const url = `http://127.0.0.1:${port}`
    const send = async (path: string, bytes: number): Promise<string> =>
      (await fetch(`${url}${path}`, { method: 'POST', body: new Uint8Array(bytes) })).text()
    const served = async (): Promise<string | undefined> => send('/', MIB / 2).catch(() => undefined)

    let pid: string | undefined
    await until(async () => {
      pid = await served()
      return pid !== undefined
    }, 'the server')
    t.equal((await fetch(`${url}/healthz`)).status, 200)

    const failed = once(createInterface(supervisor.stdout), 'line')
    const hanging = [send('/hang', MIB / 2), send('/hang', MIB / 2)]
    await until(async () => {
      const { available } = (await (await fetch(`${url}/stats`)).json()) as GovernorStats
      return available === 0
    }, 'handlers that hold the whole budget')
    hanging.push(send('/', MIB / 2))
    const [line] = await failed
    t.match(JSON.parse(line), {
      ready: false,
      live: false,
      reasons: [/^nothing was released and no bytes moved for \d+ s, though 1 wait$/],
    })
    for (const { status } of await Promise.allSettled(hanging)) t.equal(status, 'rejected', 'it was killed')
    await until(async () => {
      const another = await served()
      return another !== undefined && another !== pid
    }, 'another server')
    t.equal((await fetch(`${url}/healthz`)).status, 200)
  },
)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
