import type * as echarts from 'echarts'
import { defaultCost } from '../../packages/core/src/body-kind.ts'
import { frameworkNames } from '../flood/servers.ts'
import { mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { worst } from './covered.ts'
import { type FootprintResult, type FootprintRun, footprints } from './footprint-result.ts'
import { kindNamed } from './kinds.ts'

const WIDTH = 980
const HEADER = 104
const ROW = 20
const FOOTER = 84
/** It would press all others against the axis, so it is told in words. */
const HOSTILE = 'json-hostile'
const LEFT = 210
const RIGHT = 120
const colors = [ink.governed, ink.ungoverned, ink.peer]

/** Each run as a dot, the median as a bar, and the default of its kind as a line through all frameworks. */
export function renderFootprintChart(run: FootprintRun): string {
  const rows = run.results.filter(({ kind }) => kind !== HOSTILE)
  const height = HEADER + rows.length * ROW + FOOTER
  const atOnce = [...new Set(rows.flatMap(row => footprints(row).map(footprint => footprint.atOnce)))]
  return renderSvg(WIDTH, height, {
    title: [heading(), ...legend(atOnce), footer(run, height)],
    grid: {
      left: LEFT,
      right: RIGHT,
      top: HEADER,
      height: rows.length * ROW,
      outerBoundsMode: 'none' as const,
    },
    xAxis: {
      type: 'value',
      min: 0,
      interval: 1,
      axisLabel: text(11, ink.faint),
      splitLine: { lineStyle: { color: ink.grid } },
      name: 'bytes of memory for each byte declared',
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: text(11, ink.faint),
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ kind, framework }) => `${kind}, ${frameworkNames[framework]}`),
      axisLabel: text(12),
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: [
      ...atOnce.flatMap((many, index) => [
        dots(rows, many, colors[index] ?? ink.text),
        medians(rows, many, colors[index] ?? ink.text),
      ]),
      defaults(rows),
    ],
  })
}

function dots(rows: readonly FootprintResult[], atOnce: number, color: string): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    symbolSize: 6,
    itemStyle: { color, opacity: 0.35 },
    data: rows.flatMap((row, y) =>
      row.runs.flatMap(run =>
        footprints({ ...row, runs: [run] })
          .filter(footprint => footprint.atOnce === atOnce)
          .map(({ perByte }) => [Math.max(0, perByte.median), y]),
      ),
    ),
  }
}

function medians(
  rows: readonly FootprintResult[],
  atOnce: number,
  color: string,
): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    symbol: 'rect',
    symbolSize: [3, ROW - 6],
    itemStyle: { color },
    data: rows.flatMap((row, y) =>
      footprints(row)
        .filter(footprint => footprint.atOnce === atOnce)
        .map(({ perByte }) => [Math.max(0, perByte.median), y]),
    ),
  }
}

/** Its figure stands in the first row of the kind. */
function defaults(rows: readonly FootprintResult[]): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    symbol: 'rect',
    symbolSize: [1.5, ROW],
    itemStyle: { color: ink.text },
    z: 1,
    data: rows.flatMap(({ kind }, y) => {
      const known = kindNamed(kind).defaultOf
      if (known === undefined) return []
      const { perByte } = defaultCost(known)
      const label = {
        ...text(12),
        show: rows.findIndex(row => row.kind === kind) === y,
        position: 'right' as const,
        fontWeight: 600 as const,
        formatter: String(perByte),
      }
      return [{ value: [perByte, y], label }]
    }),
  }
}

function heading(): echarts.TitleComponentOption {
  return {
    left: 16,
    top: 12,
    text: 'How much memory a body takes for each byte it declares',
    textStyle: { ...text(18), fontWeight: 600 },
    subtext:
      'Peak of anonymous memory, all bodies at one moment; each run a dot, their median a bar; less is better',
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function legend(atOnce: readonly number[]): echarts.TitleComponentOption[] {
  const entries = atOnce.map((many, index) => ({
    name: many === 1 ? '● one at a time' : `● ${many} at once`,
    color: colors[index] ?? ink.text,
  }))
  return [...entries, { name: '│ default cost', color: ink.text }].map(({ name, color }, index) => ({
    left: 16 + index * 130,
    top: 62,
    text: name,
    textStyle: { ...text(13, color), fontWeight: 700 as const },
  }))
}

function footer({ machine, cage, results }: FootprintRun, height: number): echarts.TitleComponentOption {
  const hostile = results.filter(({ kind }) => kind === HOSTILE)
  const runs = `${results[0]?.runs.length} runs with a fresh server each, in ${mebibytes(cage.limitBytes)} (${cage.kind})`
  return {
    left: 16,
    top: height - 42,
    text: [
      ...(hostile.length > 0
        ? [`Not shown: JSON of empty objects, sent with bad intent, takes ${worst(hostile).toFixed(0)}.`]
        : []),
      `${runs}. ${machineLine(machine)}.`,
    ].join('\n'),
    textStyle: { ...text(11, ink.faint), lineHeight: 16 },
  }
}
