import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cageFigures, openCage, totalBytes } from '../cage/cage.ts'
import { serverProgram } from '../fairness/servers.ts'
import { endingOf } from '../flood/ending.ts'
import { Content } from '../flood/load/content.ts'
import { upload } from '../flood/load/exchange.ts'
import { highest, MemoryRecorder } from '../flood/memory-recorder.ts'
import { ServerProcess } from '../flood/server-process.ts'
import type { Inside } from '../flood/servers/inside.ts'
import { type Framework, objectStoreRoutes } from '../flood/servers.ts'
import { storageRoot } from '../flood/storage-root.ts'
import { measureInProcess } from '../measuring-process.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import { STORED } from './client-plan.ts'
import type { Look, SoakRun } from './soak-result.ts'

export interface SoakOptions {
  readonly framework: Framework
  readonly budget: string
  readonly limitBytes: number
  readonly seed: number
  readonly seconds: number
  readonly atOnce: number
}

const LOOK_EVERY_MS = 500
/** The governor's own longest wait is 30 s. */
const QUIET_WITHIN_MS = 45_000

type Soaked = Omit<SoakRun, 'measuredAt' | 'machine' | 'framework' | 'budget' | 'seed'>

export async function runSoak(options: SoakOptions, onLook: (look: Look) => void): Promise<Soaked> {
  const directory = mkdtempSync(join(storageRoot(), 'plimsoll-soak-'))
  const removeDirectory = onTheWayOut(() => rmSync(directory, { recursive: true, force: true }))
  const cage = openCage(options.limitBytes)
  const removeCage = onTheWayOut(() => cage.remove())
  const memory = new MemoryRecorder(cage)
  try {
    const storage = ['--storage', 'disk', '--dir', directory]
    const { module, args } = serverProgram(options.framework, 'plimsoll', options.budget, storage)
    const server = await ServerProcess.start(module, args, cage)
    await store(server.port)
    // As many as fill all caches and compile all code: what grows afterwards grows for ever.
    await soak(server, options.seed + 1, options.seconds / 4, options.atOnce)
    const before = await quiet(server.port)

    const startedMs = performance.now()
    const series: Look[] = []
    const looks = new AbortController()
    const looking = lookOn(server.port, looks.signal, inside => {
      const atSeconds = (performance.now() - startedMs) / 1_000
      const look = { ...inside, atSeconds, containerBytes: memory.lastBytes }
      series.push(look)
      onLook(look)
    })
    const byEnding = await soak(server, options.seed, options.seconds, options.atOnce)
    const seconds = (performance.now() - startedMs) / 1_000
    const ending = await endingOf(server, cage, startedMs, false)
    const after = ending.kind === 'alive' ? await quiet(server.port) : (series.at(-1) ?? before)
    looks.abort()
    await looking
    memory.stop()
    await server.stop()
    const peak = highest(memory.samples)
    return {
      cage: cageFigures(cage),
      ending,
      peakBytes: peak ? totalBytes(peak.reading) : 0,
      seconds,
      clients: Object.values(byEnding).reduce((sum, count) => sum + count, 0),
      byEnding,
      before,
      after,
      series,
    }
  } finally {
    memory.stop()
    removeCage()
    removeDirectory()
  }
}

async function soak(
  server: ServerProcess,
  seed: number,
  seconds: number,
  atOnce: number,
): Promise<Record<string, number>> {
  const args = [server.port, seed, seconds, atOnce].map(String)
  return measureInProcess(new URL('./load.ts', import.meta.url), args)
}

async function store(port: number): Promise<void> {
  for (const [key, bytes] of Object.entries(STORED)) {
    const peer = { port, agent: new http.Agent(), timeoutMs: 10_000 }
    const { answered, status } = await upload(peer, objectStoreRoutes.upload, key, new Content(0, bytes))
    peer.agent.destroy()
    if (!answered) throw new Error(`an upload alone on the server got ${status}`)
  }
}

/** Waits until nothing is reserved or waiting, in vain where something leaks. */
async function quiet(port: number): Promise<Inside> {
  const since = performance.now()
  for (;;) {
    const inside = await look(port, '?settled')
    const busy = inside.reservedBytes > 0 || inside.waiting > 0
    if (!busy || performance.now() - since > QUIET_WITHIN_MS) {
      // Once more, when the last connections are buried.
      await sleep(1_000)
      return look(port, '?settled')
    }
    await sleep(LOOK_EVERY_MS)
  }
}

async function lookOn(port: number, signal: AbortSignal, seen: (inside: Inside) => void): Promise<void> {
  while (!signal.aborted) {
    await look(port).then(seen, () => {})
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
  }
}

async function look(port: number, query = ''): Promise<Inside> {
  const response = await fetch(`http://127.0.0.1:${port}/inside${query}`, {
    signal: AbortSignal.timeout(10_000),
  })
  return (await response.json()) as Inside
}
