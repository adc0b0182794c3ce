import { median, type Spread, spreadOf } from '../statistics.ts'
import { type CellResult, goodput, lived } from './cell-result.ts'
import { type Column, columnNames, contenders, REFERENCE } from './columns.ts'

/** All runs of a row on a column. */
export interface MatrixCell {
  readonly row: string
  readonly column: Column
  readonly runs: readonly CellResult[]
  /** Lived in each run. */
  readonly survived: boolean
  /** The run of the median goodput of those that count: where not all lived, the ones that did not. */
  readonly typical: CellResult
  /** Goodput over that of the same server without a limit; undefined where it did not survive, or that was not measured. */
  readonly ratio: Spread | undefined
}

export interface Matrix {
  /** In the order of the rows given. */
  readonly rows: readonly string[]
  readonly cells: readonly MatrixCell[]
}

/** @param rows names of all that there are, in their order: cells of others are left out */
export function matrixOf(results: readonly CellResult[], rows: readonly string[]): Matrix {
  const measured = rows.filter(row => results.some(result => result.row === row))
  const cells = measured.flatMap(row =>
    columnNames.flatMap(column => {
      const runs = results.filter(result => result.row === row && result.column === column)
      return runs.length === 0 ? [] : [cellOf(row, column, runs, referencesOf(results, row))]
    }),
  )
  return { rows: measured, cells }
}

export function cellAt({ cells }: Matrix, row: string, column: Column): MatrixCell | undefined {
  return cells.find(cell => cell.row === row && cell.column === column)
}

/** How many rows a column has survived, of those in which it was measured. */
export function survivedOf({ cells }: Matrix, column: Column): { survived: number; of: number } {
  const ofColumn = cells.filter(cell => cell.column === column)
  return { survived: ofColumn.filter(({ survived }) => survived).length, of: ofColumn.length }
}

/** Those that are compared: the reference is in no column of the matrix. */
export function measuredContenders({ cells }: Matrix): Column[] {
  return contenders.filter(column => cells.some(cell => cell.column === column))
}

type References = ReadonlyMap<number, number>

function referencesOf(results: readonly CellResult[], row: string): References {
  const ofRow = results.filter(result => result.row === row && result.column === REFERENCE)
  return new Map(ofRow.map(result => [result.run, goodput(result)]))
}

function cellOf(
  row: string,
  column: Column,
  runs: readonly CellResult[],
  references: References,
): MatrixCell {
  const survived = runs.every(lived)
  const telling = survived ? runs : runs.filter(result => !lived(result))
  const byGoodput = [...telling].sort((a, b) => goodput(a) - goodput(b))
  const ratio = survived ? ratioOf(runs, references) : undefined
  return { row, column, runs, survived, typical: byGoodput[byGoodput.length >> 1] as CellResult, ratio }
}

/** Each run to the reference of the same one; where there is none, to the median of all. */
function ratioOf(runs: readonly CellResult[], references: References): Spread | undefined {
  if (references.size === 0) return undefined
  const ofAll = median([...references.values()])
  return spreadOf(runs.map(result => goodput(result) / (references.get(result.run) ?? ofAll)))
}
