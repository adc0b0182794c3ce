import type { CustomSeriesRenderItem, EChartsCoreOption, TitleComponentOption } from 'echarts'
import { latency, standIn } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { type Column, columns } from './columns.ts'
import { cellAt, type Matrix, type MatrixCell, measuredContenders, survivedOf } from './matrix.ts'
import type { Row } from './rows.ts'
import { diedInRuns, peakSaid, share, times, word } from './wording.ts'

const LEFT = 250
const CELL = { width: 122, height: 68, gap: 3 }
const HEADER = 180
const FOOTER = 46

type CustomElementOption = NonNullable<ReturnType<CustomSeriesRenderItem>>
type Styled = ReturnType<typeof text> & { readonly weight?: number; readonly align?: 'center' }

/** Dark is dead, light lives: told apart by lightness, and by the words. */
const fills = {
  killed: { fill: '#a5310c', ink: '#ffffff', means: '✕ dead, or over the limit' },
  all: { fill: '#b3d8f5', ink: ink.text, means: 'survived, all answered' },
  some: { fill: '#e8f1f9', ink: ink.text, means: 'survived, some not answered in time' },
  none: { fill: '#f6f8fa', ink: ink.faint, means: 'not measured' },
} as const

/** A line of a cell, from its top. */
const LINES = [
  { y: 18, size: 17, weight: 700 },
  { y: 37, size: 11, weight: 400 },
  { y: 53, size: 10, weight: 400 },
] as const
/** What is longer than this has no room in the size of figures. */
const LONG = 9

/** What fate and figure each cell has, at a glance. */
export function renderSurvivalChart(matrix: Matrix, rows: readonly Row[]): string {
  const shown = measuredContenders(matrix)
  const width = LEFT + Math.max(shown.length, 6) * CELL.width + 20
  const height = HEADER + matrix.rows.length * CELL.height + FOOTER
  const cells = matrix.rows.flatMap((row, y) =>
    shown.map((column, x) => ({ x, y, cell: cellAt(matrix, row, column) })),
  )
  const renderItem: CustomSeriesRenderItem = params => {
    const { x, y, cell } = cells[params.dataIndex] as (typeof cells)[number]
    return drawnCell(LEFT + x * CELL.width, HEADER + y * CELL.height, cell)
  }
  const option: EChartsCoreOption = {
    title: [
      header(),
      ...shown.flatMap((column, x) => columnHead(matrix, column, x, height)),
      ...matrix.rows.map((name, y) => rowHead(rows.find(row => row.name === name) as Row, y)),
      footer(matrix, height),
    ],
    graphic: { elements: legend() },
    grid: { left: 0, top: 0, width, height },
    xAxis: { show: false, min: 0, max: 1 },
    yAxis: { show: false, min: 0, max: 1 },
    series: [{ type: 'custom', silent: true, renderItem, data: cells.map((_, index) => [0, index]) }],
  }
  return renderSvg(width, height, option)
}

function drawnCell(
  left: number,
  top: number,
  cell: MatrixCell | undefined,
): ReturnType<CustomSeriesRenderItem> {
  const look = fills[lookOf(cell)]
  const { width, height, gap } = CELL
  const line = (content: string, at: number): CustomElementOption => {
    const { y, size, weight } = LINES[at] as (typeof LINES)[number]
    return written(content, left + (width - gap) / 2, top + y, {
      ...text(content.length > LONG ? Math.min(size, 13) : size, look.ink),
      weight,
      align: 'center',
    })
  }
  return {
    type: 'group',
    children: [filled(left, top, width - gap, height - gap, look.fill), ...linesOf(cell).map(line)],
  }
}

function lookOf(cell: MatrixCell | undefined): keyof typeof fills {
  if (cell === undefined) return 'none'
  if (!cell.survived) return 'killed'
  return cell.typical.answered === cell.typical.requests ? 'all' : 'some'
}

function linesOf(cell: MatrixCell | undefined): string[] {
  if (cell === undefined) return ['–', 'not measured']
  const { survived, ratio, typical } = cell
  if (!survived) return [`✕ ${word(cell)}`, diedInRuns(cell) ?? share(typical), peakSaid(cell)]
  const small = latency(typical.prober.p99Ms)
  return [ratio === undefined ? 'lives' : times(ratio.median), share(typical), `${peakSaid(cell)} · ${small}`]
}

function filled(x: number, y: number, width: number, height: number, fill: string): CustomElementOption {
  return { type: 'rect', shape: { x, y, width, height, r: 3 }, style: { fill } }
}

function written(
  content: string,
  x: number,
  y: number,
  { weight, color, ...style }: Styled,
): CustomElementOption {
  const fontWeight = weight ?? style.fontWeight
  return {
    type: 'text',
    style: { ...style, fontWeight, fill: color, text: content, x, y, verticalAlign: 'middle' },
  }
}

/** What the colours mean. */
function legend(): CustomElementOption[] {
  let x = 16
  return Object.values(fills).flatMap(({ fill, means }) => {
    const at = x
    x += 40 + 7 * means.length
    return [filled(at, HEADER - 94, 16, 16, fill), written(means, at + 22, HEADER - 86, text(12))]
  })
}

function header(): TitleComponentOption {
  return {
    left: 16,
    top: 12,
    text: 'Who survives what, in a container of 512 MiB',
    textStyle: { ...text(18), fontWeight: 600 },
    subtext:
      'In each cell the useful work done, over that of the same server with unlimited memory; how many requests were answered;\nthe highest memory, and within what time 99 of 100 small requests beside the load were answered.',
    subtextStyle: { ...text(13, ink.faint), lineHeight: 18 },
    itemGap: 5,
  }
}

function columnHead(matrix: Matrix, column: Column, x: number, height: number): TitleComponentOption[] {
  const { survived, of } = survivedOf(matrix, column)
  const { short } = columns[column]
  const left = LEFT + x * CELL.width + (CELL.width - CELL.gap) / 2
  return [
    {
      left,
      bottom: height - HEADER + 8,
      textAlign: 'center',
      // The longest is longer than a cell is wide.
      text: short.length > 15 ? short.replace('-', '-\n') : short,
      textStyle: { ...text(12), fontWeight: 700 },
      subtext: `survives ${survived} of ${of}`,
      subtextStyle: text(12, survived === of ? ink.governed : ink.ungoverned),
      itemGap: 3,
    },
  ]
}

function rowHead({ title }: Row, y: number): TitleComponentOption {
  return {
    left: 10,
    top: HEADER + y * CELL.height + 2,
    text: title.name,
    textStyle: { ...text(14), fontWeight: 600 },
    subtext: title.load,
    subtextStyle: { ...text(11, ink.faint), width: LEFT - 56, overflow: 'break' },
    itemGap: 2,
  }
}

function footer({ cells }: Matrix, height: number): TitleComponentOption {
  const results = cells.flatMap(({ runs }) => runs)
  const note = standIn(results)
  const last = results.reduce((a, b) => (a.measuredAt > b.measuredAt ? a : b))
  const kind = results[0]?.cage.kind
  return {
    left: 16,
    top: height - FOOTER + 14,
    text:
      note ??
      `Limit held by the kernel, ${kind}; sockets are counted. Fastify 5. ${machineLine(last.machine)}.`,
    textStyle: note ? { ...text(11, ink.alarm), fontWeight: 700 } : text(11, ink.faint),
  }
}
