import type { Machine } from '../machine.ts'
import { median, type Spread, spreadOf } from '../statistics.ts'
import type { Answer } from './ask.ts'
import type { Figure, Question } from './questions.ts'

/** One contender at one length. */
export interface Cell {
  readonly contender: string
  readonly figure: Figure
  /** 0 where there is room. */
  readonly waiters: number
  /** Of the medians of each process. */
  readonly nanoseconds: Spread
}

/** Where a contender was not waited for. */
export interface Stop {
  readonly contender: string
  readonly question: Question
  readonly waiters: number
}

export interface BudgetRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly processes: number
  /** A round that takes longer is the contender's last. */
  readonly limitSeconds: number
  readonly cells: readonly Cell[]
  readonly stopped: readonly Stop[]
}

/** A round lasts too little to be a figure of its own: each process gives a median, and the spread is between processes. */
export function cellsOf(contender: string, answers: readonly Answer[]): Cell[] {
  const measured = answers.flatMap(({ rounds }) => rounds)
  const lengths = [...new Set(measured.map(({ length }) => length))]
  const known = [...new Set(measured.flatMap(({ round }) => Object.keys(round) as Figure[]))]
  return lengths.flatMap(waiters =>
    known.map(figure => {
      const medians = answers
        .map(({ rounds }) => roundsAt(rounds, figure, waiters))
        .filter(values => values.length > 0)
        .map(median)
      return { contender, figure, waiters, nanoseconds: spreadOf(medians) }
    }),
  )
}

function roundsAt(rounds: Answer['rounds'], figure: Figure, waiters: number): number[] {
  return rounds.filter(({ length }) => length === waiters).map(({ round }) => round[figure] ?? Number.NaN)
}

export function cellAt(run: BudgetRun, contender: string, figure: Figure, waiters: number): Cell | undefined {
  return run.cells.find(
    cell => cell.contender === contender && cell.figure === figure && cell.waiters === waiters,
  )
}

/** How much a price depends on the length of the queue: the dearest over the cheapest, 1 is flat. */
export function flatness(run: BudgetRun, contender: string, figure: Figure, from: number): number {
  const medians = run.cells
    .filter(cell => cell.contender === contender && cell.figure === figure && cell.waiters >= from)
    .map(({ nanoseconds }) => nanoseconds.median)
  return Math.max(...medians) / Math.min(...medians)
}

/** Ours over the best of the peers: below 1 is faster. Undefined where no peer has that figure. */
export function overBestPeer(run: BudgetRun, figure: Figure, waiters: number): number | undefined {
  const at = run.cells.filter(cell => cell.figure === figure && cell.waiters === waiters)
  const ours = at.find(({ contender }) => contender === OURS)
  const peers = at.filter(({ contender }) => contender !== OURS)
  if (ours === undefined || peers.length === 0) return undefined
  return ours.nanoseconds.median / Math.min(...peers.map(({ nanoseconds }) => nanoseconds.median))
}

export const OURS = 'ByteBudget'
