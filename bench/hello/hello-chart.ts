import type * as echarts from 'echarts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { median } from '../statistics.ts'
import type { HelloResult, HelloRun } from './hello-result.ts'

const WIDTH = 980
const HEADER = 138
const ROW = 30
const FOOTER = 66
const color: Readonly<Record<string, string>> = {
  plimsoll: ink.governed,
  observing: ink.governed,
  'under-pressure': ink.peer,
}
const fullName: Readonly<Record<string, string>> = {
  plimsoll: 'Plimsoll',
  observing: 'Plimsoll, observing',
  'under-pressure': 'under-pressure',
}
const panels = [
  {
    name: 'Requests a second',
    hint: 'over those of the plain server, more is better',
    ratios: 'requestRatios',
    left: 286,
  },
  {
    name: 'CPU time a request',
    hint: 'over that of the plain server, less is better',
    ratios: 'cpuRatios',
    left: 640,
  },
] as const

/** Each run as a dot against the plain server beside it, the median as a bar with its figure. */
export function renderHelloChart(run: HelloRun): string {
  const rows = run.results.filter(result => result.contender !== 'plain').reverse()
  const all = rows.flatMap(row => [...row.requestRatios, ...row.cpuRatios])
  const farthest = Math.max(...all.map(ratio => Math.abs(ratio - 1)))
  const step = farthest > 0.6 ? 0.5 : farthest > 0.2 ? 0.2 : 0.05
  const reach = step * Math.max(2, Math.ceil(farthest / step))
  const height = HEADER + rows.length * ROW + FOOTER
  return renderSvg(WIDTH, height, {
    title: [
      heading(
        14,
        10,
        18,
        'What a request costs that needs no memory',
        'A hello route, and a JSON body of 1 KiB, in each framework',
      ),
      ...panels.map(panel => heading(panel.left - 6, 72, 15, panel.name, panel.hint)),
      { left: 14, top: height - 28, text: footer(run), textStyle: text(11, ink.faint) },
    ],
    grid: panels.map(({ left }) => ({
      left,
      top: HEADER,
      width: 270,
      height: rows.length * ROW,
      outerBoundsMode: 'none' as const,
    })),
    xAxis: panels.map((_, index) => ({
      gridIndex: index,
      type: 'value',
      min: 1 - reach,
      max: 1 + reach,
      interval: step,
      axisLabel: { ...text(11, ink.faint), formatter: (value: number) => value.toFixed(2) },
      splitLine: { lineStyle: { color: ink.grid } },
    })),
    yAxis: panels.map((_, index) => ({
      gridIndex: index,
      type: 'category',
      data: rows.map(row => `${row.framework}, ${fullName[row.contender]}, ${row.route}`),
      axisLabel: index === 0 ? text(12) : { show: false },
      axisTick: { show: false },
      axisLine: { show: false },
    })),
    series: panels.flatMap(({ ratios }, index) => [
      runDots(rows, ratios, index),
      medians(rows, ratios, index),
      figures(rows, ratios, index, 1 + reach),
    ]),
  })
}

type Ratios = 'requestRatios' | 'cpuRatios'

function runDots(rows: readonly HelloResult[], ratios: Ratios, index: number): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbolSize: 7,
    data: rows.flatMap((row, y) =>
      row[ratios].map(ratio => ({
        value: [ratio, y],
        itemStyle: { color: color[row.contender] ?? ink.text, opacity: 0.35 },
      })),
    ),
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: ink.text, width: 1.5, type: 'dashed' },
      label: { ...text(11), position: 'end', formatter: 'plain' },
      data: [{ xAxis: 1 }],
    },
  }
}

function medians(rows: readonly HelloResult[], ratios: Ratios, index: number): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbol: 'rect',
    symbolSize: [3, 20],
    data: rows.map((row, y) => ({
      value: [median(row[ratios]), y],
      itemStyle: { color: color[row.contender] ?? ink.text },
    })),
  }
}

/** The figures in a column of their own, where no dot or line crosses them. */
function figures(
  rows: readonly HelloResult[],
  ratios: Ratios,
  index: number,
  right: number,
): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbolSize: 0,
    data: rows.map((row, y) => ({
      value: [right, y],
      label: {
        ...text(13, color[row.contender]),
        show: true,
        position: 'right',
        fontWeight: 600,
        formatter: median(row[ratios]).toFixed(2),
      },
    })),
  }
}

function heading(
  left: number,
  top: number,
  size: number,
  name: string,
  hint: string,
): echarts.TitleComponentOption {
  return {
    left,
    top,
    text: name,
    textStyle: { ...text(size), fontWeight: 600 },
    subtext: hint,
    subtextStyle: text(12, ink.faint),
    itemGap: 4,
  }
}

function footer({ machine, runs, seconds }: HelloRun): string {
  return `${machineLine(machine)}. ${runs} runs of ${seconds} s each, interleaved; bars are medians.`
}
