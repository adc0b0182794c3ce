import type * as echarts from 'echarts'
import { frameworkNames } from '../flood/servers.ts'
import { mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { type Look, type SoakRun, usedBytes } from './soak-result.ts'

const WIDTH = 980
const HEIGHT = 520
const LEFT = 62
const RIGHT = 150
const MEMORY = { top: 84, height: 250 }
const WAITING = { top: 378, height: 82 }

const lines = [
  { name: 'container', color: ink.text, of: ({ containerBytes }: Look) => containerBytes },
  { name: 'heap and Buffers', color: ink.ungoverned, of: usedBytes },
  { name: 'reserved', color: ink.governed, of: ({ reservedBytes }: Look) => reservedBytes },
]

/** Memory over time, and below it how many wait. */
export function renderSoakChart(run: SoakRun): string {
  const { series, before, after, framework } = run
  const seconds = Math.ceil(series.at(-1)?.atSeconds ?? 1)
  return renderSvg(WIDTH, HEIGHT, {
    title: [
      {
        left: 16,
        top: 12,
        text: `${run.clients.toLocaleString('en-US')} random clients on ${frameworkNames[framework]}, half of them ill-behaved`,
        textStyle: { ...text(18), fontWeight: 600 },
        subtext:
          `Heap and Buffers after gc(): ${mebibytes(usedBytes(before))} before, ${mebibytes(usedBytes(after))} after; ` +
          `then ${after.reservedBytes} bytes reserved, ${after.waiting} waiting`,
        subtextStyle: text(13, ink.faint),
        itemGap: 5,
      },
      {
        left: 16,
        top: HEIGHT - 26,
        text: `Budget ${run.budget}, limit ${mebibytes(run.cage.limitBytes)} (${run.cage.kind}). ${machineLine(run.machine)}.`,
        textStyle: text(11, ink.faint),
      },
    ],
    grid: [MEMORY, WAITING].map(box => ({
      ...box,
      left: LEFT,
      right: RIGHT,
      outerBoundsMode: 'none' as const,
    })),
    xAxis: [0, 1].map(gridIndex => ({
      gridIndex,
      type: 'value',
      max: seconds,
      splitLine: { show: false },
      axisLabel: { ...text(11, ink.faint), show: gridIndex === 1, showMaxLabel: false },
      axisTick: { show: gridIndex === 1 },
      name: gridIndex === 1 ? 'seconds' : '',
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: text(11, ink.faint),
    })),
    yAxis: ['MiB', 'waiting'].map((name, gridIndex) => ({
      gridIndex,
      type: 'value',
      name,
      nameLocation: 'middle',
      nameGap: 40,
      nameTextStyle: text(11, ink.faint),
      splitNumber: gridIndex === 1 ? 2 : 5,
      axisLabel: text(11, ink.faint),
      splitLine: { lineStyle: { color: ink.grid } },
    })),
    series: [
      ...lines.map(({ name, color, of }) => line(0, name, color, series, look => of(look) / 2 ** 20)),
      line(1, 'waiting', ink.governed, series, look => look.waiting),
    ],
  })
}

function line(
  index: number,
  name: string,
  color: string,
  series: readonly Look[],
  of: (look: Look) => number,
): echarts.LineSeriesOption {
  return {
    type: 'line',
    xAxisIndex: index,
    yAxisIndex: index,
    showSymbol: false,
    data: series.map(look => [look.atSeconds, Math.round(of(look) * 10) / 10]),
    lineStyle: { color, width: 1.5 },
    itemStyle: { color },
    endLabel: { ...text(12, color), show: true, formatter: name, fontWeight: 700 },
    labelLayout: { moveOverlap: 'shiftY' },
  }
}
