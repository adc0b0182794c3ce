import type * as echarts from 'echarts'
import { heading, ink, renderSvg, text } from '../picture.ts'
import type { FidelityResult, FidelityRun } from './fidelity-result.ts'
import { percentilesOf } from './fidelity-result.ts'
import { footnote, titleOf } from './fidelity-table.ts'
import type { Sample } from './sample.ts'

const WIDTH = 1100
const PANEL = { left: 62, width: 1010, height: 220, pitch: 320 }
const HEADER = 136
const FOOTER = 30
const MiB = 2 ** 20

/** One upon the other they are what is really in memory. */
const layers = [
  { name: 'V8 and Buffers', color: '#9ec9ea', of: ({ held }: Sample) => held },
  { name: 'freed, kept by V8 or malloc', color: '#d3e3ef', of: ({ kept }: Sample) => kept },
  { name: 'sockets', color: '#e8c59a', of: ({ sockets }: Sample) => sockets },
  { name: 'kernel besides', color: '#f0e2cd', of: ({ kernel }: Sample) => kernel },
] as const

/** Real memory over idle as layers, what is reserved as a line. */
export function renderFidelityChart(run: FidelityRun): string {
  const { results } = run
  const height = HEADER + (results.length - 1) * PANEL.pitch + PANEL.height + 44 + FOOTER
  const top = (index: number): number => HEADER + index * PANEL.pitch
  return renderSvg(WIDTH, height, {
    title: [
      heading(
        14,
        10,
        18,
        'What is reserved, and what is really in memory',
        'Uploads, forms, JSON, downloads and slow clients; MiB over what an idle server takes',
      ),
      ...results.map((result, index) => heading(14, top(index) - 52, 15, titleOf(result), offBy(result))),
      { left: 14, top: height - 24, text: footnote(run), textStyle: text(11, ink.faint) },
    ],
    legend: {
      right: 40,
      top: 58,
      data: [...layers.map(({ name }) => name), 'reserved'],
      textStyle: text(12),
      itemGap: 34,
      selectedMode: false,
    },
    grid: results.map((_, index) => ({
      left: PANEL.left,
      width: PANEL.width,
      height: PANEL.height,
      top: top(index),
      outerBoundsMode: 'none' as const,
    })),
    xAxis: results.map((_, gridIndex) => ({
      gridIndex,
      type: 'value' as const,
      min: 0,
      max: run.seconds,
      axisLabel: { ...text(11, ink.faint), formatter: '{value} s' },
      splitLine: { show: false },
      axisLine: { lineStyle: { color: ink.axis } },
    })),
    yAxis: results.map((_, gridIndex) => ({
      gridIndex,
      type: 'value' as const,
      axisLabel: { ...text(11, ink.faint), formatter: '{value} MiB' },
      splitLine: { lineStyle: { color: ink.grid } },
    })),
    series: results.flatMap((result, index) => [
      ...layers.map(({ name, color, of }) => layer(result, index, name, color, of)),
      reserved(run, result, index),
    ]),
  })
}

/** A layer may be less than nothing, where less is held than idle: it is drawn as nothing then. */
function layer(
  { samples }: FidelityResult,
  index: number,
  name: string,
  color: string,
  of: (sample: Sample) => number,
): echarts.LineSeriesOption {
  return {
    type: 'line',
    name,
    stack: `real ${index}`,
    xAxisIndex: index,
    yAxisIndex: index,
    symbol: 'none',
    lineStyle: { width: 0 },
    itemStyle: { color },
    areaStyle: { color, opacity: 1 },
    data: samples.map(sample => [rounded(sample.seconds), rounded(Math.max(0, of(sample)) / MiB)]),
  }
}

function reserved(
  { budgetBytes }: FidelityRun,
  { samples }: FidelityResult,
  index: number,
): echarts.LineSeriesOption {
  return {
    type: 'line',
    name: 'reserved',
    xAxisIndex: index,
    yAxisIndex: index,
    symbol: 'none',
    lineStyle: { color: ink.governed, width: 2 },
    itemStyle: { color: ink.governed },
    data: samples.map(sample => [rounded(sample.seconds), rounded(sample.reserved / MiB)]),
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: ink.alarm, width: 1, type: 'dashed' },
      label: { ...text(11, ink.alarm), formatter: 'budget', position: 'insideEndTop' },
      data: [{ yAxis: budgetBytes / MiB }],
    },
  }
}

function offBy(result: FidelityResult): string {
  const [p1, , p50, , p99] = percentilesOf(result, 'off').map(bytes => `${Math.round(bytes / MiB) + 0} MiB`)
  return `real less reserved: median ${p50}, p1 ${p1}, p99 ${p99}`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
