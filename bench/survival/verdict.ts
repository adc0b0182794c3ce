import { columns, isPlimsoll } from './columns.ts'
import { cellAt, type Matrix, type MatrixCell, measuredContenders, survivedOf } from './matrix.ts'

/** In no row may a surviving peer's goodput be more above Plimsoll's than that. */
const LEAST_OF_PEER = 0.9

export interface Verdict {
  readonly lines: readonly string[]
  /** Whether Plimsoll has survived all rows, and no surviving peer got much more done. */
  readonly passed: boolean
}

/** What was asked of Plimsoll, by the cells that are there. */
export function verdictOf(matrix: Matrix): Verdict {
  const lines: string[] = []
  for (const column of measuredContenders(matrix)) {
    const { survived, of } = survivedOf(matrix, column)
    lines.push(`${columns[column].name}: survived ${survived} of ${of}`)
  }
  const misses = matrix.cells
    .filter(({ column }) => isPlimsoll(column))
    .flatMap(cell => missesOf(matrix, cell))
  return { lines: [...lines, ...misses], passed: misses.length === 0 }
}

function missesOf(matrix: Matrix, cell: MatrixCell): string[] {
  const { row, column, survived, ratio } = cell
  if (!survived) return [`NOT MET: ${row}: ${columns[column].name} did not survive`]
  if (ratio === undefined) return []
  return measuredContenders(matrix)
    .filter(peer => !isPlimsoll(peer))
    .flatMap(peer => {
      const other = cellAt(matrix, row, peer)?.ratio
      if (other === undefined || ratio.median >= LEAST_OF_PEER * other.median) return []
      const part = (ratio.median / other.median).toFixed(2)
      return [`NOT MET: ${row}: ${columns[column].name} has ${part} of the goodput of ${columns[peer].name}`]
    })
}
