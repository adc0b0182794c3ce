import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CellResult } from './cell-result.ts'
import type { Column } from './columns.ts'

/** Which cell, and which run of it. */
export interface Cell {
  readonly row: string
  readonly column: Column
  readonly run: number
}

/** Where cells are kept, one a file: a run that was cut short goes on from there. */
export function cellsFolder(folder: string): string {
  return join(folder, 'survival')
}

export function isMeasured(folder: string, cell: Cell): boolean {
  return existsSync(fileOf(folder, cell))
}

/** Whole or not at all: what a run leaves that is cut short must not look like a cell. */
export function keepCell(folder: string, result: CellResult): void {
  mkdirSync(cellsFolder(folder), { recursive: true })
  const file = fileOf(folder, result)
  writeFileSync(`${file}.part`, `${JSON.stringify(result)}\n`)
  renameSync(`${file}.part`, file)
}

export function readCells(folder: string): CellResult[] {
  const cells = cellsFolder(folder)
  if (!existsSync(cells)) return []
  return readdirSync(cells)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => JSON.parse(readFileSync(join(cells, name), 'utf8')) as CellResult)
}

function fileOf(folder: string, { row, column, run }: Cell): string {
  return join(cellsFolder(folder), `${row}.${column}.${run}.json`)
}
