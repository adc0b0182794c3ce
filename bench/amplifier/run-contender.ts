import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cageFigures, openCage, totalBytes } from '../cage/cage.ts'
import { endingOf } from '../flood/ending.ts'
import { highest, MemoryRecorder } from '../flood/memory-recorder.ts'
import type { Progress } from '../flood/progress.ts'
import { ServerProcess } from '../flood/server-process.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { AmplifierResult } from './amplifier-result.ts'
import { argumentsOf, type Contender, type Step } from './steps.ts'
import type { VisitorReport } from './visitors.ts'
import type { VisitorMessage } from './visitors-process.ts'

export interface LoadOptions {
  readonly limitBytes: number
  readonly budget: string
  readonly seconds: number
  readonly perSecond: number
  readonly forceCage?: 'supervisor'
}

const SERVER = import.meta.resolve('@plimsoll/example-amplifier/src/server.ts')
const SUPPLIERS = import.meta.resolve('@plimsoll/example-amplifier/src/suppliers-server.ts')
const WARM_UPS = 40

/** One server from a fresh cage to an empty one; its suppliers are outside. */
export async function runContender(
  step: Step,
  contender: Contender,
  options: LoadOptions,
  progress: Progress,
): Promise<AmplifierResult> {
  const cage = openCage(options.limitBytes, options.forceCage)
  const removeCage = onTheWayOut(() => cage.remove())
  const suppliers = await ServerProcess.start(fileURLToPath(SUPPLIERS), [])
  const stopSuppliers = onTheWayOut(() => suppliers.kill())
  try {
    const args = ['--suppliers', `http://127.0.0.1:${suppliers.port}`]
    const server = await ServerProcess.start(
      fileURLToPath(SERVER),
      [...args, ...argumentsOf(step, contender, options.budget)],
      cage,
    )
    const memory = new MemoryRecorder(cage)
    try {
      await warm(server)
      await sleep(500)
      await mostConnections(suppliers)
      const idleBytes = memory.lastBytes
      memory.samples.length = 0

      const startedMs = performance.now()
      const ticker = setInterval(() => progress.memory(memory.lastBytes), 100)
      const visitors = await load(server, options, useful => progress.answered(useful))
      clearInterval(ticker)
      memory.stop()
      const ending = await endingOf(server, cage, startedMs, false)
      const connections = await mostConnections(suppliers)
      const peak = highest(memory.samples)
      const report =
        contender === 'guarded' && ending.kind === 'alive'
          ? { report: await (await fetch(`http://127.0.0.1:${server.port}/report`)).text() }
          : {}
      return {
        turnedOn: step.turnedOn,
        contender,
        cage: cageFigures(cage),
        ending,
        visitors,
        idleBytes,
        peakBytes: peak ? totalBytes(peak.reading) : 0,
        peakOf: peak?.reading,
        connections,
        ...report,
      }
    } finally {
      memory.stop()
      await server.stop()
    }
  } finally {
    stopSuppliers()
    removeCage()
  }
}

/** So that its code is compiled. Of nothing slow or large: with faults that goes on for 15 s. */
async function warm({ port }: ServerProcess): Promise<void> {
  const ask = async (index: number): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${port}/offers/fine-${index}`)).json()
  for (let asked = 0; asked < WARM_UPS; asked += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => ask(asked + index)))
  }
}

/** At once, since it was asked before. */
async function mostConnections({ port }: ServerProcess): Promise<number> {
  const told = await fetch(`http://127.0.0.1:${port}/connections`)
  return ((await told.json()) as { most: number }).most
}

function load(
  { port }: ServerProcess,
  { seconds, perSecond }: LoadOptions,
  onUseful: (useful: number) => void,
): Promise<VisitorReport> {
  const module = fileURLToPath(new URL('./visitors-process.ts', import.meta.url))
  const child = fork(module, [port, seconds, perSecond].map(String), {
    execArgv: ['--import', import.meta.resolve('tsx')],
  })
  return new Promise((resolve, reject) => {
    child.on('message', (message: VisitorMessage) => {
      if ('useful' in message) onUseful(message.useful)
      else resolve(message.report)
    })
    child.on('exit', () => reject(new Error('the visitors have died')))
  })
}
