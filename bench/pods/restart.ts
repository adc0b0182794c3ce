import { setTimeout as sleep } from 'node:timers/promises'
import { type CageFigures, cageFigures } from '../cage/cage.ts'
import { Progress } from '../flood/progress.ts'
import type { Machine } from '../machine.ts'
import { plimsoll } from './contenders.ts'
import type { HaproxyProcess } from './haproxy-process.ts'
import type { Ended } from './load/protocol.ts'
import type { Pod } from './pod.ts'
import { type Stand, up, withClients, withStand } from './stand.ts'

const SAMPLE_EVERY_MS = 200
const KILLED = 1
const BEFORE_MS = 6000
const AWAY_MS = 3000
const BETWEEN_MS = 4000
const LOADED_WITHIN_MS = 20_000

/** [seconds, MiB, requests a second] of one pod. */
export type PodSample = readonly [number, number, number]

/** What befell a pod, and when. */
export interface PodEvent {
  readonly pod: number
  readonly atSeconds: number
  readonly what: 'killed' | 'back' | 'SIGTERM' | 'ended'
}

/** A load that goes on while one pod is killed and comes back, and then each is restarted. */
export interface RestartResult {
  readonly cage: CageFigures
  readonly seconds: number
  readonly answered: number
  /** On the pod as it was killed, by HAProxy's count. */
  readonly inFlight: number
  /** By status, of the requests that ended before the rolling restart. */
  readonly lostByKill: Readonly<Record<string, number>>
  /** From when the pod listens again to the first request that it is sent. */
  readonly loadedAfterSeconds: number
  readonly lostByRollingRestart: Readonly<Record<string, number>>
  readonly exitCodes: readonly (number | undefined)[]
  readonly peakBytes: readonly number[]
  readonly events: readonly PodEvent[]
  readonly series: readonly (readonly PodSample[])[]
}

/** As its file keeps it. */
export interface RestartRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly haproxy: string
  readonly clients: number
  readonly results: readonly RestartResult[]
}

export function restartUnderLoad(
  seed: number,
  { clients: count, ...cage }: { readonly clients: number; readonly forceCage?: 'supervisor' },
): Promise<RestartResult> {
  return withStand(plimsoll, cage, stand =>
    withClients(async clients => {
      const { pods, proxy } = stand
      const progress = new Progress(
        'a pod killed, then a rolling restart',
        0,
        (pods[0] as Pod).cage.limitBytes,
      )
      const recorder = new Recorder(stand, bytes => {
        progress.answered(clients.answered)
        progress.memory(bytes)
      })
      const load = clients.run({ port: proxy.port, clients: count, seed })
      load.catch(() => {})
      await sleep(BEFORE_MS)
      const { inFlight, loadedAfterSeconds } = await killOne(stand, recorder)
      await sleep(BETWEEN_MS)
      const rollingFromMs = Date.now()
      const exitCodes: (number | undefined)[] = []
      for (const at of pods.keys()) exitCodes.push(await restartOne(stand, at, recorder))
      await sleep(BETWEEN_MS / 2)
      clients.stop()
      const { seconds, ended } = await load
      const { events, series, peakBytes } = recorder.stop()
      const result = {
        cage: cageFigures((pods[0] as Pod).cage),
        seconds,
        answered: ended.filter(({ answered }) => answered).length,
        inFlight,
        lostByKill: lost(ended.filter(({ atMs }) => atMs < rollingFromMs)),
        loadedAfterSeconds,
        lostByRollingRestart: lost(ended.filter(({ atMs }) => atMs >= rollingFromMs)),
        exitCodes,
        peakBytes,
        events,
        series,
      }
      progress.done(
        `${result.answered} answered; killed with ${inFlight} in flight, lost ${said(result.lostByKill)}; ` +
          `load ${loadedAfterSeconds.toFixed(1)} s after its return; rolling restart lost ${said(result.lostByRollingRestart)}`,
      )
      for (const line of proxy.log) console.error(`HAProxy: ${line}`)
      return result
    }),
  )
}

async function killOne({ pods, proxy }: Stand, recorder: Recorder) {
  const pod = pods[KILLED] as Pod
  const { current: inFlight } = await onPod(proxy, KILLED)
  recorder.note(KILLED, 'killed')
  await pod.kill()
  await sleep(AWAY_MS)
  await pod.restart()
  recorder.note(KILLED, 'back')
  const sinceMs = performance.now()
  const { total: before } = await onPod(proxy, KILLED)
  while ((await onPod(proxy, KILLED)).total === before) {
    if (performance.now() - sinceMs > LOADED_WITHIN_MS)
      throw new Error('the pod that was killed is sent nothing')
    await sleep(20)
  }
  return { inFlight, loadedAfterSeconds: (performance.now() - sinceMs) / 1000 }
}

async function restartOne(
  { pods, proxy }: Stand,
  at: number,
  recorder: Recorder,
): Promise<number | undefined> {
  const pod = pods[at] as Pod
  recorder.note(at, 'SIGTERM')
  const exitCode = await pod.terminate()
  recorder.note(at, 'ended')
  await pod.restart()
  recorder.note(at, 'back')
  // As Kubernetes waits for one to be ready before it takes the next.
  await up(proxy, at)
  return exitCode
}

/** What HAProxy has sent to a pod, of both kinds: now, and since the start. */
async function onPod(proxy: HaproxyProcess, at: number): Promise<{ current: number; total: number }> {
  const rows = (await proxy.rows()).filter(({ svname }) => svname === `pod${at + 1}`)
  const sum = (column: string): number => rows.reduce((total, row) => total + Number(row[column]), 0)
  return { current: sum('scur'), total: sum('stot') }
}

export function said(lost: Readonly<Record<string, number>>): string {
  const parts = Object.entries(lost).map(([status, count]) => `${count} × ${status}`)
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}

function lost(ended: readonly Ended[]): Record<string, number> {
  const byStatus: Record<string, number> = {}
  for (const { status, answered } of ended) if (!answered) byStatus[status] = (byStatus[status] ?? 0) + 1
  return byStatus
}

/** Memory and load of each pod, over and over. */
class Recorder {
  readonly #startedMs = performance.now()
  readonly #events: PodEvent[] = []
  readonly #series: [number, number, number][][]
  readonly #peaks: number[]
  readonly #timer: NodeJS.Timeout

  constructor({ pods, proxy }: Stand, tell: (bytes: number) => void) {
    this.#series = pods.map(() => [])
    this.#peaks = pods.map(() => 0)
    const totals = pods.map(() => 0)
    let lastMs = this.#startedMs
    this.#timer = setInterval(async () => {
      const loads = await Promise.all(pods.map((_, at) => onPod(proxy, at))).catch(() => undefined)
      if (loads === undefined) return
      const nowMs = performance.now()
      pods.forEach((pod, at) => {
        const { bytes } = pod
        const { total } = loads[at] as { total: number }
        const rate = totals[at] === 0 ? 0 : (1000 * (total - (totals[at] ?? 0))) / (nowMs - lastMs)
        totals[at] = total
        this.#peaks[at] = Math.max(this.#peaks[at] ?? 0, bytes)
        this.#series[at]?.push([this.#seconds(nowMs), Math.round(bytes / 2 ** 20), Math.round(rate)])
      })
      lastMs = nowMs
      tell(Math.max(...pods.map(({ bytes }) => bytes)))
    }, SAMPLE_EVERY_MS)
  }

  note(pod: number, what: PodEvent['what']): void {
    this.#events.push({ pod, what, atSeconds: this.#seconds(performance.now()) })
  }

  stop() {
    clearInterval(this.#timer)
    return { events: this.#events, series: this.#series, peakBytes: this.#peaks }
  }

  #seconds(nowMs: number): number {
    return Math.round((nowMs - this.#startedMs) / 100) / 10
  }
}
