import { fileURLToPath } from 'node:url'
import { type Cage, cageFigures, openCage, totalBytes } from '../cage/cage.ts'
import { endingOf } from '../flood/ending.ts'
import { highest, MemoryRecorder } from '../flood/memory-recorder.ts'
import { ServerProcess } from '../flood/server-process.ts'
import { measureInProcess } from '../measuring-process.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import { HaproxyProcess } from '../pods/haproxy-process.ts'
import type { Contender } from './contenders.ts'
import { proxies } from './front.ts'
import type { Load, LoadReport } from './load-process.ts'
import { CLIENT_CORE, onCore, SERVER_CORE } from './own-core.ts'
import { type CellResult, whatBecame } from './scale-result.ts'

export interface CellOptions {
  readonly limitBytes: number
  readonly forceCage?: 'supervisor'
  /** Of HAProxy: requests at the server at once. */
  readonly maxconn: number
  /** What the server can do, in requests a second. */
  readonly capacity: number
  /** Of arrivals. */
  readonly seconds: number
}

const SERVER = fileURLToPath(new URL('./server.ts', import.meta.url))
/** Enough to keep all threads busy, and few enough to fit. */
const CLIENTS = 8

/** Requests a second of a server with nothing in front, where nobody waits in vain. */
export async function measureCapacity(
  seconds: number,
  options: Pick<CellOptions, 'forceCage'>,
): Promise<number> {
  return inCage(2 ** 31, options.forceCage, async cage => {
    const server = await startServer('nothing', cage)
    try {
      const report = await play({ kind: 'closed', port: server.port, clients: CLIENTS, seconds })
      return 'perSecond' in report ? report.perSecond : Number.NaN
    } finally {
      await server.stop()
    }
  })
}

/** One contender at one offered load, from a fresh cage to an empty one. */
export function runCell(
  contender: Contender,
  times: number,
  run: number,
  options: CellOptions,
): Promise<CellResult> {
  return inCage(options.limitBytes, options.forceCage, async cage => {
    const front = proxies[contender]
    const server = await startServer(front?.behind ?? contender, cage)
    const config = front?.config(server.port, options.maxconn)
    const proxy = config && (await onCore(SERVER_CORE, () => HaproxyProcess.start(config)))
    const memory = new MemoryRecorder(cage)
    try {
      const startedMs = performance.now()
      const perSecond = times * options.capacity
      const { port } = proxy ?? server
      const report = await play({ kind: 'open', port, perSecond, seconds: options.seconds, seed: run })
      memory.stop()
      const peak = highest(memory.samples)
      return {
        contender,
        times,
        run,
        offeredPerSecond: perSecond,
        ...whatBecame('arrivals' in report ? report.arrivals : [], options.seconds),
        cage: cageFigures(cage),
        ending: await endingOf(server, cage, startedMs, false),
        peakBytes: peak ? totalBytes(peak.reading) : 0,
        peakOf: peak?.reading,
      }
    } finally {
      memory.stop()
      proxy?.stop()
      await server.stop()
    }
  })
}

function startServer(front: string, cage: Cage): Promise<ServerProcess> {
  // As many as there are cores for it.
  const env = { UV_THREADPOOL_SIZE: '1' }
  return onCore(SERVER_CORE, () => ServerProcess.start(SERVER, ['--front', front], cage, env))
}

async function inCage<T>(
  limitBytes: number,
  forceCage: 'supervisor' | undefined,
  work: (cage: Cage) => Promise<T>,
): Promise<T> {
  const cage = openCage(limitBytes, forceCage)
  const remove = onTheWayOut(() => cage.remove())
  try {
    return await work(cage)
  } finally {
    remove()
  }
}

function play(load: Load): Promise<LoadReport> {
  const script = new URL('./load-process.ts', import.meta.url)
  return onCore(CLIENT_CORE, () => measureInProcess<LoadReport>(script, [JSON.stringify(load)]))
}
