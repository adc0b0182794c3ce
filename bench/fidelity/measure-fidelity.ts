import { fileURLToPath } from 'node:url'
import { type Cage, cageFigures, openCage } from '../cage/cage.ts'
import { endingOf } from '../flood/ending.ts'
import { ServerProcess } from '../flood/server-process.ts'
import { measureInProcess } from '../measuring-process.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { FidelityResult } from './fidelity-result.ts'
import type { MixedLoad } from './load/mixed.ts'
import { type InsideSample, LOOK_EVERY_MS, type OutsideSample, together } from './sample.ts'

export interface FidelityOptions {
  readonly limitBytes: number
  readonly forceCage?: 'supervisor'
  readonly budget: string
  readonly clients: number
  readonly seconds: number
  readonly seed: number
  /** Collects garbage before each look, so that what floats is not in it. */
  readonly collects: boolean
}

const SERVER = fileURLToPath(new URL('./server.ts', import.meta.url))
const LOAD = new URL('./load/process.ts', import.meta.url)
const WARM_SECONDS = 2

/** One server from a fresh cage to an empty one, looked at from inside and outside. */
export async function measureFidelity(options: FidelityOptions): Promise<FidelityResult> {
  const { collects, budget, clients, seconds, seed } = options
  const cage = openCage(options.limitBytes, options.forceCage)
  const removeCage = onTheWayOut(() => cage.remove())
  const args = ['--budget', budget, ...(collects ? ['--collect'] : [])]
  try {
    const server = await ServerProcess.start(SERVER, args, cage)
    try {
      const { port } = server
      await play({ port, clients: 1, seconds: WARM_SECONDS, seed })
      const idle = { inside: await ask<InsideSample>(port, '/idle'), outside: look(cage) }
      const outside: OutsideSample[] = []
      const timer = setInterval(() => outside.push(look(cage)), LOOK_EVERY_MS)
      const startedMs = performance.now()
      const byStatus = await play({ port, clients, seconds, seed })
      const inside = await ask<InsideSample[]>(port, '/samples')
      clearInterval(timer)
      const ending = await endingOf(server, cage, startedMs, false)
      return {
        collects,
        cage: cageFigures(cage),
        ending,
        byStatus,
        idleBytes: idle.outside.anonBytes + idle.outside.kernelBytes + idle.outside.socketBytes,
        samples: together(inside, outside, idle),
      }
    } finally {
      await server.stop()
    }
  } finally {
    removeCage()
  }
}

function play(load: MixedLoad): Promise<Record<string, number>> {
  return measureInProcess<Record<string, number>>(LOAD, [JSON.stringify(load)])
}

function look(cage: Cage): OutsideSample {
  const reading = cage.read() ?? { anonBytes: Number.NaN, kernelBytes: Number.NaN, socketBytes: Number.NaN }
  return { at: Date.now(), ...reading }
}

async function ask<T>(port: number, path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return (await response.json()) as T
}
