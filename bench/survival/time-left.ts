import { median } from '../statistics.ts'
import type { Cell } from './cell-files.ts'
import type { CellResult } from './cell-result.ts'

/** Before anything is known. */
const USUAL_SECONDS = 15

/** How long cells will take: as those of their row have, else as all have that are known. */
export function secondsLeft(todo: readonly Cell[], known: readonly CellResult[]): number {
  const typical = (results: readonly CellResult[]) =>
    results.length === 0 ? undefined : median(results.map(({ tookSeconds }) => tookSeconds))
  const ofAll = typical(known) ?? USUAL_SECONDS
  const ofRow = new Map<string, number>()
  for (const { row } of todo) {
    if (!ofRow.has(row)) ofRow.set(row, typical(known.filter(result => result.row === row)) ?? ofAll)
  }
  return todo.reduce((sum, { row }) => sum + (ofRow.get(row) ?? ofAll), 0)
}

export function timeSaid(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}
