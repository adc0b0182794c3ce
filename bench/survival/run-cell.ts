import { fileURLToPath } from 'node:url'
import { type Cage, cageFigures, openCage, totalBytes } from '../cage/cage.ts'
import { endingOf } from '../flood/ending.ts'
import { emptyTally, type Tally } from '../flood/load/outcome.ts'
import { highest, MemoryRecorder } from '../flood/memory-recorder.ts'
import type { Progress } from '../flood/progress.ts'
import { ServerProcess } from '../flood/server-process.ts'
import { LoadProcess } from '../load-process.ts'
import { thisMachine } from '../machine.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import { percentile } from '../statistics.ts'
import type { Cell } from './cell-files.ts'
import type { CellResult, Probed } from './cell-result.ts'
import { REFERENCE } from './columns.ts'
import { haproxyInFront } from './front.ts'
import type { Order, Played } from './load/protocol.ts'
import { unansweredOf } from './refusal.ts'
import { type Row, stopAfterMs } from './rows.ts'

const SERVER = fileURLToPath(new URL('./server/main.ts', import.meta.url))
const UPSTREAM = fileURLToPath(new URL('./upstream.ts', import.meta.url))
/** Of each cage but that of the reference. */
export const LIMIT_BYTES = 512 * 2 ** 20
/** Of the reference: no row takes so much. */
const UNLIMITED_BYTES = 12 * 2 ** 30
/** Where the clients themselves don't end, beside the load: to store, for attackers to come, and to withdraw. */
const AROUND_MS = 6_000

export interface CellOptions {
  readonly brief: boolean
  readonly forceCage?: 'supervisor'
}

interface Clients {
  readonly load: LoadProcess<Order, Played>
  readonly prober: LoadProcess<Order, Played>
}

function loadProcess(): LoadProcess<Order, Played> {
  return new LoadProcess(new URL('./load/process.ts', import.meta.url))
}

/** One row on one column, from a fresh cage to an empty one. */
export async function runCell(
  row: Row,
  cell: Cell,
  { brief, forceCage }: CellOptions,
  progress: Progress,
): Promise<CellResult> {
  const startedMs = performance.now()
  const cage = openCage(cell.column === REFERENCE ? UNLIMITED_BYTES : LIMIT_BYTES, forceCage)
  const removeCage = onTheWayOut(() => cage.remove())
  const clients = { load: loadProcess(), prober: loadProcess() }
  const closeClients = onTheWayOut(() => {
    clients.load.close()
    clients.prober.close()
  })
  const stands: { stop(): unknown }[] = []
  try {
    const { port, server } = await standFor(row, cell, cage, stands)
    const played = await playOn(
      server,
      cage,
      clients,
      { port, row: row.name, brief },
      stopAfterMs(row),
      progress,
    )
    return {
      ...cell,
      measuredAt: new Date().toISOString(),
      machine: thisMachine(),
      cage: cageFigures(cage),
      ...played,
      tookSeconds: (performance.now() - startedMs) / 1000,
    }
  } finally {
    closeClients()
    for (const stand of stands.reverse()) await stand.stop()
    removeCage()
  }
}

/** The server in its cage; outside of it what it asks, and what stands in front. */
async function standFor(row: Row, { column }: Cell, cage: Cage, stands: { stop(): unknown }[]) {
  const args = [`--protection=${column === 'haproxy' || column === REFERENCE ? 'nothing' : column}`]
  if (row.sends.some(({ kind }) => kind === 'fan-out')) {
    const upstream = await ServerProcess.start(UPSTREAM, [])
    stands.push(upstream)
    args.push(`--upstream=http://127.0.0.1:${upstream.port}`)
  }
  const server = await ServerProcess.start(SERVER, args, cage)
  stands.push(server)
  if (column !== 'haproxy') return { server, port: server.port }
  const proxy = await haproxyInFront(server.port, row.haproxy)
  stands.push(proxy)
  return { server, port: proxy.port }
}

async function playOn(
  server: ServerProcess,
  cage: Cage,
  clients: Clients,
  order: Omit<Order, 'part'>,
  loadMs: number,
  progress: Progress,
) {
  const memory = new MemoryRecorder(cage)
  const ticker = setInterval(() => progress.memory(memory.lastBytes), 100)
  const timer = setTimeout(() => clients.load.stop(), AROUND_MS + loadMs)
  void server.exited.then(() => clients.load.stop())
  const startedMs = performance.now()
  try {
    let prober: Promise<Played> | undefined
    const load = await clients.load.play({ ...order, part: 'load' }, answered => {
      // The first that is heard of the load: it has begun.
      prober ??= clients.prober.play({ ...order, part: 'prober' })
      progress.answered(answered)
    })
    clients.prober.stop()
    const probed = await prober
    memory.stop()
    const peak = highest(memory.samples)
    const { requests, answered, bytes, byStatus } = load.tally
    return {
      ending: await endingOf(server, cage, startedMs, false),
      peakBytes: peak ? totalBytes(peak.reading) : 0,
      peakOf: peak?.reading,
      seconds: load.elapsedMs / 1000,
      requests,
      answered,
      bytes,
      byStatus,
      ...unansweredOf(byStatus),
      prober: probedOf(probed?.tally ?? emptyTally(0)),
      ...(load.attack && { attack: load.attack }),
    }
  } finally {
    memory.stop()
    clearInterval(ticker)
    clearTimeout(timer)
  }
}

function probedOf({ requests, answered, latenciesMs }: Tally): Probed {
  const at = (percent: number) => (answered > 0 ? percentile(latenciesMs, percent) : undefined)
  return { requests, answered, p50Ms: at(50), p99Ms: at(99), mostMs: at(100) }
}
