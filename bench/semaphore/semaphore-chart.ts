import type * as echarts from 'echarts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { flatness, type SemaphoreRun } from './semaphore-result.ts'

const WIDTH = 900
const HEIGHT = 380
const servers = [
  { name: 'ByteBudget', key: 'byteBudgetNs', color: ink.governed },
  { name: 'async-sema', key: 'asyncSemaNs', color: ink.peer },
] as const

/** Left a pair of calls, as bars; right a grant over the length of the queue, as lines. */
export function renderSemaphoreChart(run: SemaphoreRun): string {
  const axisLabel = text(11, ink.faint)
  const yAxis = {
    type: 'value' as const,
    name: 'ns',
    nameLocation: 'middle' as const,
    nameGap: 42,
    nameTextStyle: axisLabel,
    axisLabel,
    splitLine: { lineStyle: { color: ink.grid } },
  }
  return renderSvg(WIDTH, HEIGHT, {
    title: [
      title(14, 10, 'A byte semaphore against one that counts to N', 'Nanoseconds, less is better'),
      panelTitle(
        14,
        'tryAcquire + release',
        `${run.pair.ratio.median.toFixed(2)} times async-sema’s, which has no weights`,
      ),
      panelTitle(
        334,
        'One grant from a queue',
        `by the length of the queue; dearest over cheapest ${flatness(run, 'byteBudgetNs').toFixed(1)}, async-sema’s ${flatness(run, 'asyncSemaNs').toFixed(1)}`,
      ),
      {
        left: 14,
        top: HEIGHT - 26,
        text: `${machineLine(run.machine)}. Median of ${run.processes} processes; lines from lowest to highest.`,
        textStyle: text(11, ink.faint),
      },
    ],
    grid: [
      { left: 66, top: 130, width: 200, height: 180 },
      { left: 396, top: 130, width: 400, height: 180 },
    ],
    xAxis: [
      {
        gridIndex: 0,
        type: 'category',
        data: servers.map(({ name }) => name),
        axisLabel: text(12),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: ink.axis } },
      },
      {
        gridIndex: 1,
        type: 'category',
        data: run.grants.map(({ waiters }) => waiters.toLocaleString('en-US')),
        name: 'waiters',
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: axisLabel,
        axisLabel,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: ink.axis } },
      },
    ],
    yAxis: [
      { ...yAxis, gridIndex: 0 },
      {
        ...yAxis,
        gridIndex: 1,
        max: ({ max }: { max: number }) => Math.ceil(Math.max(max, highestGrant(run)) / 100) * 100,
      },
    ],
    series: [pairBars(run), ...servers.map(server => grantLine(run, server))],
  })
}

function pairBars(run: SemaphoreRun): echarts.BarSeriesOption {
  return {
    type: 'bar',
    xAxisIndex: 0,
    yAxisIndex: 0,
    barWidth: 56,
    data: servers.map(({ key, color }) => ({ value: run.pair[key].median, itemStyle: { color } })),
    label: {
      ...text(12),
      show: true,
      position: 'top',
      formatter: ({ value }) => `${Number(value).toFixed(1)} ns`,
    },
  }
}

/** Echarts scales an axis by the medians, and would cut off the lines of the spread. */
function highestGrant(run: SemaphoreRun): number {
  return Math.max(...run.grants.flatMap(grant => servers.map(({ key }) => grant[key].highest)))
}

function grantLine(
  run: SemaphoreRun,
  { name, key, color }: (typeof servers)[number],
): echarts.LineSeriesOption {
  return {
    type: 'line',
    xAxisIndex: 1,
    yAxisIndex: 1,
    data: run.grants.map(grant => grant[key].median),
    symbol: 'circle',
    symbolSize: 7,
    lineStyle: { color, width: 2 },
    itemStyle: { color },
    endLabel: { ...text(12, color), show: true, fontWeight: 600, formatter: name, distance: 8 },
    labelLayout: { moveOverlap: 'shiftY' },
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: false },
      lineStyle: { color, width: 1.5, type: 'solid' },
      data: run.grants.map((grant, index) => [
        { coord: [index, grant[key].lowest] },
        { coord: [index, grant[key].highest] },
      ]),
    },
  }
}

function title(left: number, top: number, heading: string, subtext: string): echarts.TitleComponentOption {
  return {
    left,
    top,
    text: heading,
    textStyle: { ...text(18), fontWeight: 600 },
    subtext,
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function panelTitle(left: number, heading: string, subtext: string): echarts.TitleComponentOption {
  return {
    ...title(left, 70, heading, subtext),
    textStyle: { ...text(15), fontWeight: 600 },
    subtextStyle: text(12, ink.faint),
    itemGap: 3,
  }
}
