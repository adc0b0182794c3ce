import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCells } from './cell-files.ts'
import { type Matrix, matrixOf } from './matrix.ts'
import type { Row } from './rows.ts'
import { renderSurvivalChart } from './survival-chart.ts'
import { renderMarkdown } from './survival-markdown.ts'
import { renderPage } from './survival-page.ts'

/** The page, its picture and the same as Markdown, from all cells that are there. @throws where there are none */
export function writeReport(folder: string, rows: readonly Row[]): { matrix: Matrix; page: string } {
  const names = rows.map(({ name }) => name)
  const matrix = matrixOf(readCells(folder), names)
  if (matrix.cells.length === 0) throw new Error(`there are no cells in ${folder}`)
  mkdirSync(folder, { recursive: true })
  const svg = renderSurvivalChart(matrix, rows)
  const page = join(folder, 'survival.html')
  writeFileSync(join(folder, 'survival.svg'), svg)
  writeFileSync(page, renderPage(matrix, rows, svg))
  writeFileSync(join(folder, 'survival.md'), renderMarkdown(matrix, rows))
  return { matrix, page }
}
