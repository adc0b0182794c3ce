import type { Machine } from '../machine.ts'
import { frameworks, type Protocol, protocols } from './contenders.ts'
import type { InFront } from './in-front.ts'
import type { Measured } from './measure.ts'
import { routes } from './routes.ts'

/** One contender on one route; its runs stood beside those of the same number of the others. */
export interface OverheadResult {
  readonly protocol: Protocol
  readonly route: string
  readonly framework: string
  readonly inFront: InFront
  readonly measuredAt: string
  readonly runs: readonly Measured[]
}

export interface OverheadRun {
  readonly machine: Machine
  /** Of load in each run. */
  readonly seconds: number
  readonly warmSeconds: number
  readonly results: readonly OverheadResult[]
}

export type Figure = 'requests' | 'cpu'

/** Each run over the plain server beside it. Of requests a second more is better, of CPU time less. */
export function ratios({ results }: OverheadRun, result: OverheadResult, figure: Figure): number[] {
  const plain = results.find(other => isBeside(other, result) && other.inFront === 'plain')
  return result.runs.map((run, at) => {
    const beside = plain?.runs[at]
    return beside === undefined ? Number.NaN : figureOf(run, figure) / figureOf(beside, figure)
  })
}

export function figureOf(run: Measured, figure: Figure): number {
  return figure === 'requests' ? run.requestsPerSecond : run.userMicroseconds + run.systemMicroseconds
}

export function isBeside(a: OverheadResult, b: OverheadResult): boolean {
  return a.protocol === b.protocol && a.route === b.route && a.framework === b.framework
}

/** New figures in the place of older ones, in the order of protocols, routes and frameworks. */
export function besideThem(measured: OverheadRun, kept: OverheadRun): OverheadRun {
  const older = kept.results.filter(result => !measured.results.some(fresh => isBeside(fresh, result)))
  const all = [...older, ...measured.results]
  const results = protocols.flatMap(protocol =>
    routes.flatMap(({ name: route }) =>
      frameworks.flatMap(({ name: framework }) =>
        all.filter(one => one.protocol === protocol && one.route === route && one.framework === framework),
      ),
    ),
  )
  return { ...measured, results }
}
