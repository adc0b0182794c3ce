import { type CageFigures, cageFigures } from '../cage/cage.ts'
import { Progress } from '../flood/progress.ts'
import type { Machine } from '../machine.ts'
import { percentile } from '../statistics.ts'
import type { Contender } from './contenders.ts'
import { SMALL_BYTES } from './load/sizes.ts'
import type { Served } from './mixed-clients.ts'
import type { Pod } from './pod.ts'
import { withClients, withStand } from './stand.ts'

const SAMPLE_EVERY_MS = 20

/** How much is sent: the same to each contender of a run. */
export interface MixedOptions {
  readonly clients: number
  readonly requests: number
  readonly forceCage?: 'supervisor'
}

/** One load of mixed sizes against one contender. */
export interface MixedResult {
  readonly contender: string
  readonly cage: CageFigures
  readonly requests: number
  readonly answered: number
  readonly byStatus: Readonly<Record<string, number>>
  readonly seconds: number
  readonly megabytesPerSecond: number
  readonly small: Latency
  readonly large: Latency
  /** Of each pod. */
  readonly peakBytes: readonly number[]
  readonly podsKilled: number
}

/** Of those that were answered. */
export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** As its file keeps it. */
export interface MixedRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly haproxy: string
  readonly clients: number
  readonly results: readonly MixedResult[]
}

export async function loadMixed(
  contender: Contender,
  seed: number,
  options: MixedOptions,
): Promise<MixedResult> {
  const { clients: count, requests, ...cage } = options
  return withStand(contender, cage, ({ pods, proxy }) =>
    withClients(async clients => {
      const [first] = pods as [Pod, ...Pod[]]
      const progress = new Progress(contender.name, requests, first.cage.limitBytes)
      const peakBytes = pods.map(() => 0)
      const sampler = setInterval(() => {
        pods.forEach((pod, at) => {
          peakBytes[at] = Math.max(peakBytes[at] ?? 0, pod.bytes)
        })
        progress.answered(clients.answered)
        progress.memory(Math.max(...peakBytes))
      }, SAMPLE_EVERY_MS)
      const served = await clients.run({ port: proxy.port, clients: count, requests, seed })
      clearInterval(sampler)
      const podsKilled = pods.filter(pod => !pod.alive).length
      const result = {
        ...summarised(served),
        contender: contender.name,
        cage: cageFigures(first.cage),
        peakBytes,
        podsKilled,
      }
      progress.done(
        `${result.answered} of ${requests}, p99 of small ones ${result.small.p99Ms.toFixed(0)} ms, ` +
          `${result.megabytesPerSecond.toFixed(0)} MB/s${podsKilled > 0 ? `, ${podsKilled} pods killed` : ''}`,
      )
      return result
    }),
  )
}

function summarised({ seconds, ended }: Served) {
  const answered = ended.filter(one => one.answered)
  const byStatus: Record<string, number> = {}
  for (const { status } of ended) byStatus[status] = (byStatus[status] ?? 0) + 1
  return {
    requests: ended.length,
    answered: answered.length,
    byStatus,
    seconds,
    megabytesPerSecond: answered.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6 / seconds,
    small: latency(answered.filter(({ bytes }) => bytes <= SMALL_BYTES).map(({ latencyMs }) => latencyMs)),
    large: latency(answered.filter(({ bytes }) => bytes > SMALL_BYTES).map(({ latencyMs }) => latencyMs)),
  }
}

function latency(latenciesMs: readonly number[]): Latency {
  return { p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) }
}
