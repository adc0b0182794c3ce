import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Cage, cageFigures, openCage, totalBytes } from '../cage/cage.ts'
import { endingOf } from '../flood/ending.ts'
import { highest, MemoryRecorder } from '../flood/memory-recorder.ts'
import type { Progress } from '../flood/progress.ts'
import { ServerProcess } from '../flood/server-process.ts'
import type { Framework } from '../flood/servers.ts'
import { storageRoot } from '../flood/storage-root.ts'
import { LoadProcess } from '../load-process.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { FairnessResult } from './fairness-result.ts'
import type { LoadReport, Order } from './load/protocol.ts'
import type { Scenario } from './scenarios.ts'
import { type ServerKind, serverProgram } from './servers.ts'

type Load = LoadProcess<Order, LoadReport>

export interface RunOptions {
  readonly framework: Framework
  readonly server: ServerKind
  readonly budget: string
  readonly limitBytes: number
  readonly forceCage?: 'supervisor'
}

/** One scenario against one server, from a fresh cage to an empty one. */
export async function runScenario(
  scenario: Scenario,
  options: RunOptions,
  progress: Progress,
): Promise<FairnessResult> {
  const directory = mkdtempSync(join(storageRoot(), 'plimsoll-fairness-'))
  const removeDirectory = onTheWayOut(() => rmSync(directory, { recursive: true, force: true }))
  const cage = openCage(options.limitBytes, options.forceCage)
  const removeCage = onTheWayOut(() => cage.remove())
  const load: Load = new LoadProcess(new URL('./load/process.ts', import.meta.url))
  const closeLoad = onTheWayOut(() => load.close())
  try {
    const storage = ['--storage', scenario.storage ?? 'disk', '--dir', directory]
    const { module, args } = serverProgram(options.framework, options.server, options.budget, storage)
    const server = await ServerProcess.start(module, args, cage)
    try {
      return await playOn(server, cage, load, scenario, options.server, progress)
    } finally {
      await server.stop()
    }
  } finally {
    closeLoad()
    removeCage()
    removeDirectory()
  }
}

async function playOn(
  server: ServerProcess,
  cage: Cage,
  load: Load,
  scenario: Scenario,
  kind: ServerKind,
  progress: Progress,
): Promise<FairnessResult> {
  const memory = new MemoryRecorder(cage)
  const ticker = setInterval(() => progress.memory(memory.lastBytes), 100)
  const timer = setTimeout(() => load.stop(), scenario.stopAfterMs)
  void server.exited.then(() => load.stop())
  const startedMs = performance.now()
  try {
    const report = await load.play({ port: server.port, scenario: scenario.name }, answered =>
      progress.answered(answered),
    )
    memory.stop()
    const peak = highest(memory.samples)
    return {
      scenario: scenario.name,
      server: kind,
      cage: cageFigures(cage),
      ending: await endingOf(server, cage, startedMs, false),
      peakBytes: peak ? totalBytes(peak.reading) : 0,
      peakOf: peak?.reading,
      load: report,
    }
  } finally {
    memory.stop()
    clearInterval(ticker)
    clearTimeout(timer)
  }
}
