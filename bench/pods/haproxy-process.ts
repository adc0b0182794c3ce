import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTheWayOut } from '../on-the-way-out.ts'

/** What HAProxy tells of one line of its statistics, by the names of their columns. */
export type Row = Readonly<Record<string, string>>

/** How a proxy is configured, once it is known where it listens. */
export type Config = (where: { readonly bind: string; readonly statsSocket: string }) => string

const READY_WITHIN_MS = 10_000

/** @throws where there is no HAProxy, with what to do about it */
export function haproxyVersion(): string {
  const { stdout } = spawnSync('haproxy', ['-v'], { encoding: 'utf8' })
  const version = /^HAProxy version (\S+)/.exec(stdout ?? '')?.[1]
  if (version !== undefined) return version
  throw new Error('There is no HAProxy here. On Debian and Ubuntu: sudo apt-get install haproxy')
}

/** A real HAProxy, outside of all cages. */
export class HaproxyProcess {
  readonly port: number
  /** What it has logged: with `option dontlog-normal` the requests that have failed. */
  readonly log: string[] = []
  readonly #statsSocket: string
  readonly #remove: () => void

  private constructor(port: number, statsSocket: string, remove: () => void) {
    this.port = port
    this.#statsSocket = statsSocket
    this.#remove = remove
  }

  /** @throws with what HAProxy says where it does not start */
  static async start(config: Config): Promise<HaproxyProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'plimsoll-haproxy-'))
    const statsSocket = join(folder, 'stats')
    const file = join(folder, 'haproxy.cfg')
    const port = await freePort()
    writeFileSync(file, config({ bind: `127.0.0.1:${port}`, statsSocket }))
    const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    const remove = onTheWayOut(() => {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    })
    const proxy = new HaproxyProcess(port, statsSocket, remove)
    createInterface(child.stdout).on('line', line => proxy.log.push(line))
    await proxy.#ready(child)
    return proxy
  }

  /** All lines of its statistics. */
  async rows(): Promise<readonly Row[]> {
    const socket = connect(this.#statsSocket)
    socket.end('show stat\n')
    const [header = '', ...lines] = (await text(socket)).trim().split('\n')
    const names = header.replace(/^# /, '').split(',')
    return lines.map(line => Object.fromEntries(line.split(',').map((cell, at) => [names[at], cell])))
  }

  stop(): void {
    this.#remove()
  }

  async #ready(child: ChildProcess): Promise<void> {
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', chunk => {
      said = (said + chunk).slice(-4096)
    })
    for (const since = performance.now(); performance.now() - since < READY_WITHIN_MS; await sleep(20)) {
      if (child.exitCode !== null) break
      if ((await this.rows().catch(() => [])).length > 0) return
    }
    this.stop()
    throw new Error(`HAProxy did not start:\n${said}`)
  }
}

/** One that nobody listens at, for a moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
