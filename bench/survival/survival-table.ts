import { latency, standIn } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { goodput } from './cell-result.ts'
import { columns, REFERENCE } from './columns.ts'
import { cellAt, type Matrix, type MatrixCell, measuredContenders, survivedOf } from './matrix.ts'
import type { Row } from './rows.ts'
import { endedAfter, fate, peakSaid, share, times } from './wording.ts'

/** A table as rows of text, its first one the head. */
export type Rows = readonly (readonly string[])[]

/** The matrix in words. */
export function matrixRows(matrix: Matrix, rows: readonly Row[]): Rows {
  const shown = measuredContenders(matrix)
  const body = matrix.rows.map(name => [
    titleOf(rows, name),
    ...shown.map(column => inBrief(cellAt(matrix, name, column))),
  ])
  const sums = shown.map(column => {
    const { survived, of } = survivedOf(matrix, column)
    return `**${survived} of ${of}**`
  })
  return [['', ...shown.map(column => columns[column].short)], ...body, ['survived', ...sums]]
}

function inBrief(cell: MatrixCell | undefined): string {
  if (cell === undefined) return '–'
  if (!cell.survived) return `✕ ${fate(cell)}`
  return cell.ratio === undefined ? share(cell.typical) : times(cell.ratio.median)
}

export const detailHead = [
  'load',
  'in front',
  'ended',
  'answered',
  'clean refusals',
  'resets',
  'other ends',
  'peak',
  'MB/s',
  'of no limit',
  'small ones: served',
  'p50',
  'p99',
] as const

/** All figures: of the typical run, but for peak and ratio, which are of all. */
export function detailRows(matrix: Matrix, rows: readonly Row[]): Rows {
  return [detailHead, ...matrix.cells.map(cell => detailRow(cell, rows))]
}

function detailRow(cell: MatrixCell, rows: readonly Row[]): string[] {
  const { typical, ratio, column } = cell
  const { prober } = typical
  const after = cell.survived ? undefined : endedAfter(typical)
  return [
    titleOf(rows, cell.row),
    columns[column].name,
    [fate(cell), after].filter(part => part !== undefined).join(' '),
    share(typical),
    counted(typical.refused),
    counted(typical.resets),
    counted(typical.others),
    peakSaid(cell),
    cell.survived ? goodput(typical).toFixed(goodput(typical) < 10 ? 1 : 0) : '–',
    ratio === undefined || column === REFERENCE ? '–' : spread(ratio),
    `${counted(prober.answered)} of ${counted(prober.requests)}`,
    latency(prober.p50Ms),
    latency(prober.p99Ms),
  ]
}

function spread({ median, lowest, highest, count }: NonNullable<MatrixCell['ratio']>): string {
  return count > 1 ? `${times(median)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})` : times(median)
}

function counted(count: number): string {
  return count.toLocaleString('en-US')
}

function titleOf(rows: readonly Row[], name: string): string {
  return rows.find(row => row.name === name)?.title.name ?? name
}

/** On what, when, and how often it was measured. */
export function closingLines({ cells }: Matrix): string[] {
  const results = cells.flatMap(({ runs }) => runs)
  const last = results.reduce((a, b) => (a.measuredAt > b.measuredAt ? a : b))
  const runs = Math.max(...cells.map(({ runs }) => runs.length))
  const note = standIn(results)
  return [
    ...(note === undefined ? [] : [note]),
    `${runs === 1 ? 'One run' : `Medians of up to ${runs} runs`}. ${machineLine(last.machine)}; ${last.measuredAt.slice(0, 10)}.`,
  ]
}
