import { latency, mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { spreadOf } from '../statistics.ts'
import type { MixedResult, MixedRun } from './mixed.ts'

const HEAD = [
  'in front',
  'answered',
  'p50 small',
  'p99 small',
  'p99 large',
  'MB/s',
  'peak of a pod',
  'pods killed',
]

/** All runs of one contender, in the order in which they were run first. */
export function byContender(results: readonly MixedResult[]): ReadonlyMap<string, readonly MixedResult[]> {
  const groups = new Map<string, MixedResult[]>()
  for (const result of results) {
    const group = groups.get(result.contender)
    if (group) group.push(result)
    else groups.set(result.contender, [result])
  }
  return groups
}

/** Whether all of its requests were answered, in each run. */
export function answeredAll(runs: readonly MixedResult[]): boolean {
  return runs.every(({ answered, requests }) => answered === requests)
}

/**
 * Whether they were, and all pods lived within the limit: only then its other figures can be compared. The kernel counts sockets
 * apart in v1, and lets a pod live that v2 would have killed.
 */
export function isComparable(runs: readonly MixedResult[]): boolean {
  const lived = runs.every(
    ({ podsKilled, peakBytes, cage }) => podsKilled === 0 && Math.max(...peakBytes) <= cage.limitBytes,
  )
  return lived && answeredAll(runs)
}

/** Medians, with their spread where there were several runs. */
export function mixedTable(run: MixedRun): string {
  const rows = [...byContender(run.results)].map(([name, runs]) => {
    const of = (figure: (result: MixedResult) => number, say: (value: number) => string): string => {
      const { median, lowest, highest } = spreadOf(runs.map(figure))
      return runs.length === 1 ? say(median) : `${say(median)} (${say(lowest)} to ${say(highest)})`
    }
    const count = (value: number): string => value.toFixed(0)
    return [
      name,
      `${of(({ answered }) => answered, count)} of ${runs[0]?.requests}`,
      of(({ small }) => small.p50Ms, latency),
      of(({ small }) => small.p99Ms, latency),
      of(({ large }) => large.p99Ms, latency),
      of(({ megabytesPerSecond }) => megabytesPerSecond, count),
      of(({ peakBytes }) => Math.max(...peakBytes), mebibytes),
      of(({ podsKilled }) => podsKilled, count),
    ]
  })
  const rule = HEAD.map((_, column) => (column === 0 ? '---' : '---:'))
  const lines = [HEAD, rule, ...rows].map(row => `| ${row.join(' | ')} |`)
  return [...lines, '', ...verdictOf(run), '', footnote(run), ''].join('\n')
}

/** Against the best of those that answered everybody within the limit. */
function verdictOf({ results }: MixedRun): string[] {
  const groups = [...byContender(results)]
  const ours = groups.find(([name]) => name === 'Plimsoll')?.[1]
  const peers = groups.filter(([name, runs]) => name !== 'Plimsoll' && isComparable(runs))
  if (ours === undefined || peers.length === 0) return []
  const median = (runs: readonly MixedResult[], figure: (result: MixedResult) => number): number =>
    spreadOf(runs.map(figure)).median
  const p99 = (runs: readonly MixedResult[]): number => median(runs, ({ small }) => small.p99Ms)
  const speed = (runs: readonly MixedResult[]): number =>
    median(runs, ({ megabytesPerSecond }) => megabytesPerSecond)
  const bestP99 = Math.min(...peers.map(([, runs]) => p99(runs)))
  const bestSpeed = Math.max(...peers.map(([, runs]) => speed(runs)))
  return [
    `Against the best of those that answered everybody within the limit: p99 of small requests ${(bestP99 / p99(ours)).toFixed(1)} times better, ` +
      `throughput ${(speed(ours) / bestSpeed).toFixed(2)} of it.`,
  ]
}

function footnote({ results, clients, haproxy, machine, measuredAt }: MixedRun): string {
  const [first] = results
  if (first === undefined) return ''
  const runs = results.filter(({ contender }) => contender === first.contender).length
  return [
    `Four pods of ${mebibytes(first.cage.limitBytes)} (${first.cage.kind}) behind HAProxy ${haproxy}, ${clients} clients,`,
    `uploads of 4 KiB to 16 MiB, small up to 64 KiB. ${runs === 1 ? '1 run' : `${runs} runs in turns: medians and their spread`}.`,
    `Latencies and MB/s are of requests that were answered. ${machineLine(machine)}; ${measuredAt.slice(0, 10)}.`,
  ].join(' ')
}
