import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CellResult } from './cell-result.ts'
import type { Column } from './columns.ts'

/** Which cell, and which run of it. */
export interface Cell {
  readonly row: string
  readonly column: Column
  readonly run: number
}

/** All cells that were measured so far: a run that was cut short goes on from there. */
export function readCells(folder: string): CellResult[] {
  const file = fileIn(folder)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as CellResult[]) : []
}

/** Keeps a cell, in the place of one that was measured before. The file is whole at any time: a run may be cut short. */
export function keepCell(folder: string, result: CellResult): void {
  const cells = [...readCells(folder).filter(cell => !isSame(cell, result)), result]
  cells.sort((one, other) => keyOf(one).localeCompare(keyOf(other)))
  const file = fileIn(folder)
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${file}.part`, `[\n${cells.map(cell => JSON.stringify(cell)).join(',\n')}\n]\n`)
  renameSync(`${file}.part`, file)
}

export function isSame(one: Cell, other: Cell): boolean {
  return keyOf(one) === keyOf(other)
}

function keyOf({ row, column, run }: Cell): string {
  return `${row} ${column} ${run}`
}

function fileIn(folder: string): string {
  return join(folder, 'survival.json')
}
