import type { CustomSeriesRenderItem, EChartsCoreOption, TitleComponentOption } from 'echarts'
import { standIn } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { columns } from './columns.ts'
import { cellAt, type Matrix, type MatrixCell, measuredContenders, survivedOf } from './matrix.ts'
import type { Row } from './rows.ts'
import { fate, share, times } from './wording.ts'

const LEFT = 236
const CELL = { width: 118, height: 56, gap: 3 }
const HEADER = 132
const FOOTER = 46

/** Dark is dead, light lives: told apart by lightness, and by the words. */
const fills = {
  killed: { fill: '#a5310c', ink: '#ffffff' },
  all: { fill: '#bcdcf5', ink: ink.text },
  some: { fill: '#e8f1f9', ink: ink.text },
  none: { fill: '#f6f8fa', ink: ink.faint },
} as const

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
      ...shown.flatMap((column, x) => columnHead(matrix, column, x)),
      ...matrix.rows.map((name, y) => rowHead(rows.find(row => row.name === name) as Row, y)),
      footer(matrix, height),
    ],
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
  const [large = '', small = ''] = linesOf(cell)
  const { width, height, gap } = CELL
  const middle = left + (width - gap) / 2
  const line = (content: string, y: number, size: number, weight: number) => ({
    type: 'text' as const,
    style: {
      ...text(size, look.ink),
      text: content,
      x: middle,
      y,
      align: 'center' as const,
      verticalAlign: 'middle' as const,
      fontWeight: weight,
      fill: look.ink,
    },
  })
  return {
    type: 'group',
    children: [
      {
        type: 'rect',
        shape: { x: left, y: top, width: width - gap, height: height - gap, r: 3 },
        style: { fill: look.fill },
      },
      line(large, top + 19, 17, 700),
      line(small, top + 39, 11, 400),
    ],
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
  if (!survived) return [`✕ ${fate(cell)}`, share(typical)]
  return [ratio === undefined ? 'lives' : times(ratio.median), share(typical)]
}

function header(): TitleComponentOption {
  return {
    left: 16,
    top: 12,
    text: 'Who survives what, in a container of 512 MiB',
    textStyle: { ...text(18), fontWeight: 600 },
    subtext:
      'In each cell the useful work done, over that of the same server with unlimited memory; below it, how many requests were answered. ✕: dead, or over its limit.',
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function columnHead(matrix: Matrix, column: keyof typeof columns, x: number): TitleComponentOption[] {
  const { survived, of } = survivedOf(matrix, column)
  const left = LEFT + x * CELL.width + (CELL.width - CELL.gap) / 2
  return [
    {
      left,
      top: HEADER - 54,
      textAlign: 'center',
      text: columns[column].short,
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
    subtextStyle: { ...text(11, ink.faint), width: LEFT - 28, overflow: 'break' },
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
