import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { figures } from '../../examples/pods/src/figures.ts'
import { type CageFigures, cageFigures } from '../cage/cage.ts'
import type { Machine } from '../machine.ts'
import { percentile } from '../statistics.ts'
import { plimsoll } from './contenders.ts'
import { HaproxyProcess } from './haproxy-process.ts'
import { Pod } from './pod.ts'
import { up } from './stand.ts'

const CROWD = 10_000
const ASK_EVERY_MS = 10
const PHASE_MS = 5000
const CROWD_PROCESS = fileURLToPath(new URL('./load/crowd.ts', import.meta.url))

/** What requests through HAProxy get, each 10 ms. */
export interface Asked {
  readonly requests: number
  readonly answered: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
}

/** A crowd at the agent of one pod, beside small requests. */
export interface CrowdResult {
  readonly cage: CageFigures
  readonly connections: number
  readonly seconds: number
  readonly before: Asked
  readonly during: Asked
  readonly after: Asked
  readonly idleBytes: number
  readonly peakBytes: number
  /** Whether HAProxy took the pod out, or its agent's answer for wrong, at any look. */
  readonly statuses: readonly string[]
}

/** As its file keeps it. */
export interface CrowdRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly haproxy: string
  readonly results: readonly CrowdResult[]
}

export async function crowdAtAgent(options: { readonly forceCage?: 'supervisor' }): Promise<CrowdResult> {
  const pod = await Pod.start({ ...options, limitBytes: figures.memoryMiB * 2 ** 20, budget: figures.budget })
  const proxy = await HaproxyProcess.start(plimsoll.config([pod]))
  const statuses = new Set<string>()
  let peakBytes = 0
  const look = setInterval(async () => {
    peakBytes = Math.max(peakBytes, pod.bytes)
    for (const { svname, status, agent_status: agent } of await proxy.rows().catch(() => [])) {
      if (svname === 'pod1') statuses.add(`${status} ${agent}`.trim())
    }
  }, 100)
  let crowd: ChildProcess | undefined
  try {
    await up(proxy, 0)
    await asked(proxy.port, sleep(2000))
    statuses.clear()
    const before = await asked(proxy.port, sleep(PHASE_MS))
    const idleBytes = pod.bytes
    const startedMs = performance.now()
    crowd = fork(CROWD_PROCESS, [String(pod.agentPort), String(CROWD)], {
      execArgv: ['--import', import.meta.resolve('tsx')],
    })
    const during = await asked(proxy.port, once(crowd, 'exit'))
    const seconds = (performance.now() - startedMs) / 1000
    const after = await asked(proxy.port, sleep(PHASE_MS))
    const cage = cageFigures(pod.cage)
    return {
      cage,
      connections: CROWD,
      seconds,
      before,
      during,
      after,
      idleBytes,
      peakBytes,
      statuses: [...statuses],
    }
  } finally {
    clearInterval(look)
    crowd?.kill('SIGKILL')
    proxy.stop()
    await pod.remove()
  }
}

/** Small requests at set times, whatever became of those before, until `until` is over. */
async function asked(port: number, until: Promise<unknown>): Promise<Asked> {
  const agent = new http.Agent({ keepAlive: true })
  const latencies: number[] = []
  const under: Promise<void>[] = []
  let requests = 0
  const timer = setInterval(() => {
    requests++
    const sinceMs = performance.now()
    under.push(
      new Promise(resolve => {
        const request = http.get({ host: '127.0.0.1', port, agent, path: '/objects/none' })
        request.on('error', () => resolve())
        request.on('response', response => {
          response.resume().on('close', () => {
            if (response.statusCode === 404) latencies.push(performance.now() - sinceMs)
            resolve()
          })
        })
      }),
    )
  }, ASK_EVERY_MS)
  await until
  clearInterval(timer)
  await Promise.all(under)
  agent.destroy()
  return {
    requests,
    answered: latencies.length,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    mostMs: Math.max(...latencies),
  }
}
