import type { FloodResult } from './flood-result.ts'

/** All runs of one scenario against one server. */
export interface Repeated {
  readonly runs: readonly FloodResult[]
  /** The one with the median peak, which stands for all where only one can be shown. */
  readonly typical: FloodResult
}

/** In the order in which they were run. */
export function repeated(results: readonly FloodResult[]): Repeated[] {
  const groups = new Map<string, FloodResult[]>()
  for (const result of results) {
    const name = `${result.scenario} ${result.server}`
    const group = groups.get(name)
    if (group) group.push(result)
    else groups.set(name, [result])
  }
  return [...groups.values()].map(runs => ({ runs, typical: typicalOf(runs) }))
}

function typicalOf(runs: readonly FloodResult[]): FloodResult {
  const byPeak = [...runs].sort((a, b) => a.peakBytes - b.peakBytes)
  return byPeak[(byPeak.length - 1) >> 1] as FloodResult
}
