import type * as echarts from 'echarts'
import { machineLine } from '../machine.ts'
import { heading, ink, renderSvg, text } from '../picture.ts'
import { type Contender, contenderNames, contenders } from './contenders.ts'
import { type Point, pointsOf, type ScaleRun } from './scale-result.ts'

const WIDTH = 1180
const HEIGHT = 470
const PANEL = { width: 296, height: 230, top: 128 }
const MiB = 2 ** 20

interface Panel {
  readonly title: string
  readonly hint: string
  readonly left: number
  readonly value: (point: Point, run: ScaleRun) => number | undefined
  readonly axis: echarts.YAXisComponentOption
  readonly mark?: (run: ScaleRun) => { at: number; says: string }
}

const panels: readonly Panel[] = [
  {
    title: 'Goodput',
    hint: 'answers over the capacity: level is good',
    left: 62,
    value: ({ goodput }, { capacity }) => goodput / capacity,
    axis: { type: 'value', min: 0, axisLabel: { formatter: (value: number) => value.toFixed(1) } },
  },
  {
    title: 'p99 of those answered',
    hint: 'waiting included',
    left: 452,
    value: ({ p99Ms }) => p99Ms,
    axis: {
      type: 'log',
      min: 10,
      axisLabel: { formatter: (ms: number) => (ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`) },
    },
  },
  {
    title: 'Peak of memory',
    hint: '✕: killed, or over the limit',
    left: 842,
    value: ({ peakBytes }) => peakBytes / MiB,
    axis: { type: 'value', min: 0, axisLabel: { formatter: '{value} MiB' } },
    mark: ({ cells }) => {
      const limit = (cells[0]?.cage.limitBytes ?? 0) / MiB
      return { at: limit, says: `limit ${limit} MiB` }
    },
  },
]

/** Offered load in times of the capacity to the right, what becomes of it upwards. */
export function renderScaleChart(run: ScaleRun): string {
  const shown = contenderNames.filter(contender => run.cells.some(cell => cell.contender === contender))
  const loads = run.cells.map(({ times }) => times)
  return renderSvg(WIDTH, HEIGHT, {
    title: [
      heading(14, 10, 18, 'What is left of a server when more comes than it can do', subtitle(run)),
      ...panels.map(({ left, title, hint }) => heading(left - 48, 68, 15, title, hint)),
      { left: 14, top: HEIGHT - 28, text: footer(run), textStyle: text(11, ink.faint) },
    ],
    legend: {
      left: 10,
      top: HEIGHT - 62,
      data: shown.map(contender => contenders[contender].name),
      textStyle: text(12),
      itemGap: 26,
      selectedMode: false,
    },
    grid: panels.map(({ left }) => ({ left, ...PANEL, outerBoundsMode: 'none' as const })),
    xAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'log' as const,
      min: Math.min(...loads),
      max: Math.max(...loads),
      name: 'offered load, times the capacity',
      nameLocation: 'middle' as const,
      nameGap: 26,
      nameTextStyle: text(11, ink.faint),
      axisLabel: text(11, ink.faint),
      splitLine: { show: false },
      axisLine: { lineStyle: { color: ink.axis }, onZero: false },
    })),
    yAxis: panels.map(({ axis }, gridIndex) => ({
      ...axis,
      gridIndex,
      axisLabel: { ...text(11, ink.faint), ...axis.axisLabel },
      splitLine: { lineStyle: { color: ink.grid } },
    })) as echarts.YAXisComponentOption[],
    series: panels.flatMap((panel, index) => [
      ...shown.map(contender => line(run, contender, panel, index)),
      ...marks(run, panel, index),
    ]),
  })
}

function line(run: ScaleRun, contender: Contender, panel: Panel, index: number): echarts.LineSeriesOption {
  const { name, color, symbol } = contenders[contender]
  return {
    type: 'line',
    name,
    xAxisIndex: index,
    yAxisIndex: index,
    symbol,
    symbolSize: 7,
    lineStyle: { color, width: contender === 'plimsoll' ? 3 : 1.5 },
    itemStyle: { color },
    z: contender === 'plimsoll' ? 4 : 3,
    data: pointsOf(run, contender).flatMap(point => {
      const value = panel.value(point, run)
      if (value === undefined) return []
      const label = { ...text(13, color), show: true, formatter: '✕', position: 'inside' as const }
      return [
        { value: [point.times, value], ...(!point.lived && { symbol: 'circle', symbolSize: 0.1, label }) },
      ]
    }),
  }
}

function marks(run: ScaleRun, { mark }: Panel, index: number): echarts.LineSeriesOption[] {
  if (mark === undefined) return []
  const { at, says } = mark(run)
  return [
    {
      type: 'line',
      xAxisIndex: index,
      yAxisIndex: index,
      data: [],
      markLine: {
        silent: true,
        symbol: 'none',
        lineStyle: { color: ink.alarm, width: 1, type: 'dashed' },
        label: { ...text(11, ink.alarm), formatter: says, position: 'insideStartTop' },
        data: [{ yAxis: at }],
      },
    },
  ]
}

function subtitle({ cells, capacity }: ScaleRun): string {
  const limit = (cells[0]?.cage.limitBytes ?? 0) / MiB
  return `Uploads of 512 KiB that are encrypted with a password, in a container of ${limit} MiB that can do ${capacity.toFixed(0)} a second; nobody waits for an answer before he comes`
}

function footer({ machine, cells, seconds, maxconn }: ScaleRun): string {
  const runs = new Set(cells.map(({ run }) => run)).size
  return `${machineLine(machine)}. Medians of ${runs} runs of ${seconds} s at each load. HAProxy’s maxconn is ${maxconn}.`
}
