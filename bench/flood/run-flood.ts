import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cage, openCage } from '../cage/cage.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import { CollectorChild } from '../telemetry/collector-child.ts'
import type { Contender } from '../telemetry/contenders.ts'
import { endingOf } from './ending.ts'
import type { FloodResult } from './flood-result.ts'
import { LiveFrames } from './live-frames.ts'
import type { Target } from './load/protocol.ts'
import { LoadGenerator } from './load-generator.ts'
import { MemoryRecorder } from './memory-recorder.ts'
import type { Progress } from './progress.ts'
import type { Scenario } from './scenarios.ts'
import { ServerProcess } from './server-process.ts'
import { clustered, type Framework, serverFor } from './servers.ts'
import { storageRoot } from './storage-root.ts'
import { summarised } from './summary.ts'
import { argumentsOf, type Tuning } from './tuning.ts'

export interface FloodOptions {
  readonly framework: Framework
  readonly governed: boolean
  readonly storage: 'disk' | 'memory'
  readonly tuning: Tuning
  /** Processes of node:cluster behind its port; undefined: no cluster. */
  readonly workers?: number | undefined
  readonly limitBytes: number
  readonly forceCage?: 'supervisor'
  readonly stopAfterMs: number
  /** The server is traced by this, and its collector hangs. */
  readonly telemetry?: Contender
  /** Puts something between the clients and the server, which listens at this port. */
  readonly front?: (port: number) => Promise<Front>
}

/** What stands in front of a server, outside of its cage. */
export interface Front {
  readonly port: number
  stop(): void
}

/** One scenario against one server, from a fresh cage to an empty one. */
export async function runFlood(
  scenario: Scenario,
  options: FloodOptions,
  progress: Progress,
): Promise<FloodResult> {
  const directory = mkdtempSync(join(storageRoot(), 'plimsoll-flood-'))
  const removeDirectory = onTheWayOut(() => rmSync(directory, { recursive: true, force: true }))
  const cage = openCage(options.limitBytes, options.forceCage)
  const removeCage = onTheWayOut(() => cage.remove())
  const load = new LoadGenerator()
  const closeLoad = onTheWayOut(() => load.close())
  const { telemetry, framework, tuning } = options
  const { module, args, routes, upstream } = serverFor(scenario, framework, tuning, telemetry !== undefined)
  const given = { storage: options.storage, directory, upstreamPort: 0 }
  let behind: ServerProcess | undefined
  let front: Front | undefined
  const stopUpstream = onTheWayOut(() => behind?.kill())
  let collector: CollectorChild | undefined
  const stopCollector = onTheWayOut(() => collector?.kill())
  try {
    behind = upstream && (await ServerProcess.start(upstream.module, upstream.args(given)))
    const upstreamPort = behind?.port ?? given.upstreamPort
    const governing = options.governed ? argumentsOf(options.tuning) : ['--ungoverned']
    if (telemetry !== undefined) {
      collector = await CollectorChild.start()
      await collector.ask('hang')
      governing.push(`--telemetry=${JSON.stringify({ processor: telemetry, collector: collector.url })}`)
    }
    const program = { module, args: [...args({ ...given, upstreamPort }), ...governing] }
    const server = await ServerProcess.start(...(await clustered(program, options.workers)), cage)
    front = await options.front?.(server.port)
    const port = front?.port ?? server.port
    const target = { port, storePort: behind?.port ?? server.port, routes, scenario }
    return await floodServer(target, options, cage, server, load, progress)
  } finally {
    front?.stop()
    stopUpstream()
    stopCollector()
    closeLoad()
    removeCage()
    removeDirectory()
  }
}

async function floodServer(
  target: Target,
  options: FloodOptions,
  cage: Cage,
  server: ServerProcess,
  load: LoadGenerator,
  progress: Progress,
): Promise<FloodResult> {
  const memory = new MemoryRecorder(cage)
  const frames = new LiveFrames(server.port)
  try {
    await beforeTheFlood(server, load.warm(target))
    await sleep(500)
    const idleBytes = memory.lastBytes
    await beforeTheFlood(server, load.store())
    await sleep(500)

    const startedMs = performance.now()
    load.onProgress = answered => progress.answered(answered)
    const ticker = setInterval(() => progress.memory(memory.lastBytes), 100)
    const timer = setTimeout(() => load.stop(), options.stopAfterMs)
    void server.exited.then(() => load.stop())
    const report = await load.flood()
    clearTimeout(timer)
    clearInterval(ticker)
    memory.stop()

    const ending = await endingOf(server, cage, startedMs, report.elapsedMs >= options.stopAfterMs)
    if (ending.kind === 'alive') await load.verify()
    const spans = ending.kind === 'alive' && options.telemetry === 'bounded' && (await server.spans())
    return summarised({
      scenario: target.scenario,
      governed: options.governed,
      cage,
      report,
      ending,
      idleBytes,
      startedMs,
      samples: memory.samples,
      liveFrames: frames.peak,
      ...(spans && { spans }),
    })
  } finally {
    memory.stop()
    frames.stop()
    await server.stop()
  }
}

/** A server that dies this early has another trouble than the flood, so the run is void. */
async function beforeTheFlood(server: ServerProcess, step: Promise<void>): Promise<void> {
  const died = server.exited.then(({ exitCode }) =>
    Promise.reject(new Error(`The server died before the flood, exit ${exitCode}:\n${server.stderrTail}`)),
  )
  died.catch(() => {})
  await Promise.race([step, died])
}
