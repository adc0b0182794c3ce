import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readFlight } from '@plimsoll/core'

const MiB = 2 ** 20
const CLIENTS = 32
const body = Buffer.alloc(8 * MiB)

/** What was left of a server that was killed. */
export interface Killed {
  readonly samples: number
  /** How old the last sample was at the kill. */
  readonly ageMs: number
  /** What it tells: of a server without load the figure would be easy. */
  readonly reservedBytes: number
  readonly waiting: number
}

/** Floods a server with uploads, ends it by SIGKILL, and reads what its recorder has left. */
export async function killUnderLoad(file: string, afterMs: number): Promise<Killed> {
  const module = fileURLToPath(new URL('./recorded-server.ts', import.meta.url))
  const child = fork(module, [file], { execArgv: ['--import', import.meta.resolve('tsx')] })
  const [port] = (await once(child, 'message')) as [number]
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  let killed = false
  const send = (): void => {
    if (killed) return
    const upload = request({ port, agent, method: 'POST', headers: { 'content-length': body.length } })
    upload.on('response', res => res.resume().on('close', send))
    // It was killed.
    upload.on('error', () => {})
    upload.end(body)
  }
  for (let client = 0; client < CLIENTS; client++) send()
  await sleep(afterMs)
  killed = true
  child.kill('SIGKILL')
  const atMs = Date.now()
  await once(child, 'exit')
  agent.destroy()
  const samples = readFlight(file)
  const last = samples.at(-1)
  return {
    samples: samples.length,
    ageMs: last === undefined ? Number.POSITIVE_INFINITY : atMs - last.at,
    reservedBytes: last?.reserved ?? 0,
    waiting: last?.waiting ?? 0,
  }
}
