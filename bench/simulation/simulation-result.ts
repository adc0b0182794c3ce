import type { Machine } from '../machine.ts'
import type { Cell } from './simulate.ts'
import type { Mix } from './sizes.ts'
import type { Tally } from './tally.ts'
import type { world } from './world.ts'

/** Simulations as simulation.json keeps them; table and picture are made from this alone. */
export interface SimulationRun {
  readonly simulatedAt: string
  readonly machine: Machine
  readonly tookSeconds: number
  readonly world: typeof world
  /** Bytes of a body on average, and of one under way. */
  readonly means: Readonly<Record<Mix, { readonly bytes: number; readonly bytesUnderWay: number }>>
  readonly results: readonly CellResult[]
}

/** What the question of a group is. */
export type Question = 'scale' | 'mix' | 'staleness'

export interface CellResult extends Cell {
  readonly question: Question
  /** Answered, refused and lost, after the warm-up. */
  readonly requests: number
  readonly smallP50Ms: number
  readonly smallP99Ms: number
  readonly refusedPart: number
  readonly lostPart: number
  readonly queuedPart: number
  /** Bytes answered over bytes that all pods could serve. */
  readonly used: number
  readonly killsPerPodHour: number
  readonly peakMiB: number
  readonly medianPeakMiB: number
}

export function resultOf(cell: Cell, question: Question, tally: Tally, bytesPerSecond: number): CellResult {
  const { answered, answeredBytes, refused, lost, queued, kills } = tally.measured
  const requests = answered + refused + lost
  const podSeconds = cell.pods * (cell.seconds - cell.warmUp)
  return {
    ...cell,
    question,
    requests,
    smallP50Ms: rounded(1000 * tally.small.percentile(50)),
    smallP99Ms: rounded(1000 * tally.small.percentile(99)),
    refusedPart: rounded(refused / requests),
    lostPart: rounded(lost / requests),
    queuedPart: rounded(queued / requests),
    used: rounded(answeredBytes / (podSeconds * bytesPerSecond)),
    killsPerPodHour: rounded((3600 * kills) / podSeconds),
    peakMiB: rounded(tally.peaks.most / 2 ** 20),
    medianPeakMiB: rounded(tally.peaks.median / 2 ** 20),
  }
}

function rounded(figure: number): number {
  return Number(figure.toPrecision(4))
}
