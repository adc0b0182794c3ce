import type { Matrix } from './matrix.ts'
import { notes } from './notes.ts'
import type { Row } from './rows.ts'
import { closingLines, detailRows, matrixRows, type Rows } from './survival-table.ts'

/** What the page says, without its picture. */
export function renderMarkdown(matrix: Matrix, rows: readonly Row[]): string {
  const parts = [
    '# Who survives what, in a container of 512 MiB',
    'Useful work over that of the same server with unlimited memory; ✕ where it did not live, or not within its limit.',
    markdownTable(matrixRows(matrix, rows), 1),
    ...notes,
    markdownTable(detailRows(matrix, rows), 3),
    ...closingLines(matrix),
  ]
  return `${parts.join('\n\n')}\n`
}

function markdownTable([head = [], ...body]: Rows, textColumns: number): string {
  const rule = head.map((_, at) => (at < textColumns ? '---' : '---:'))
  return [head, rule, ...body].map(row => `| ${row.join(' | ')} |`).join('\n')
}
