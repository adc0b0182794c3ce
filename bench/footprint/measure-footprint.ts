import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cage, type CageFigures, cageFigures, openCage } from '../cage/cage.ts'
import { endingOf } from '../flood/ending.ts'
import { MemoryRecorder } from '../flood/memory-recorder.ts'
import { ServerProcess } from '../flood/server-process.ts'
import type { Framework } from '../flood/servers.ts'
import { storageRoot } from '../flood/storage-root.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { Load, Measured } from './footprint-result.ts'
import type { Kind } from './kinds.ts'
import { post } from './post.ts'

export interface MeasureOptions {
  readonly framework: Framework
  readonly kind: Kind
  readonly limitBytes: number
  /** In this order, on one server: the smallest first, since a heap that has grown keeps what it got. */
  readonly loads: readonly Load[]
  readonly forceCage?: 'supervisor'
}

const servers: Readonly<Record<Framework, URL>> = {
  fastify: new URL('./servers/fastify.ts', import.meta.url),
  express: new URL('./servers/express.ts', import.meta.url),
  koa: new URL('./servers/koa.ts', import.meta.url),
}
/** A reading costs 35 µs, and a peak may be short. */
const SAMPLE_EVERY_MS = 5
const WARM_UP: Load = { bytes: 64 * 1024, atOnce: 4 }
const WARM_UPS = 5

/**
 * What bodies of one kind take on one fresh server: anonymous memory over that of the server when it is warm and
 * idle. Garbage is collected between loads, and within them only when V8 finds it time to, as in production.
 */
export async function measureFootprint(
  options: MeasureOptions,
): Promise<{ cage: CageFigures; idleBytes: number; measured: Measured[] }> {
  const { framework, kind, limitBytes, loads, forceCage } = options
  const directory = mkdtempSync(join(storageRoot(), 'plimsoll-footprint-'))
  const removeDirectory = onTheWayOut(() => rmSync(directory, { recursive: true, force: true }))
  const cage = openCage(limitBytes, forceCage)
  const removeCage = onTheWayOut(() => cage.remove())
  try {
    const server = await ServerProcess.start(fileURLToPath(servers[framework]), ['--dir', directory], cage)
    for (let times = 0; times < WARM_UPS; times++) await send(server, kind, WARM_UP)
    await settle(server)
    const idleBytes = cage.read()?.anonBytes ?? 0
    const measured: Measured[] = []
    for (const load of loads) {
      measured.push(await measureLoad(server, cage, kind, load, idleBytes))
      if (measured.at(-1)?.ending.kind !== 'alive') break
      await settle(server)
    }
    await server.stop()
    return { cage: cageFigures(cage), idleBytes, measured }
  } finally {
    removeCage()
    removeDirectory()
  }
}

async function measureLoad(
  server: ServerProcess,
  cage: Cage,
  kind: Kind,
  load: Load,
  idleBytes: number,
): Promise<Measured> {
  const startedMs = performance.now()
  const memory = new MemoryRecorder(cage, SAMPLE_EVERY_MS)
  const statuses = await send(server, kind, load)
  memory.stop()
  const ending = await endingOf(server, cage, startedMs, false)
  const highest = Math.max(0, ...memory.samples.map(({ reading }) => reading.anonBytes))
  const answered = statuses.filter(status => status === '200').length
  if (ending.kind === 'alive' && answered < load.atOnce) {
    throw new Error(`${kind.name} of ${load.bytes} bytes got ${statuses.join(', ')}`)
  }
  return { ...load, answered, ending, peakBytes: Math.max(0, highest - idleBytes) }
}

function send(server: ServerProcess, { path, body }: Kind, { bytes, atOnce }: Load): Promise<string[]> {
  const posts = Array.from({ length: atOnce }, () => post(server.port, path, body(bytes), atOnce))
  return Promise.all(posts)
}

/** Collects the garbage, where the server is still there. */
async function settle(server: ServerProcess): Promise<void> {
  await fetch(`http://127.0.0.1:${server.port}/inside`).then(response => response.arrayBuffer())
}
