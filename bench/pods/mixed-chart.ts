import type * as echarts from 'echarts'
import { latency } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { spreadOf } from '../statistics.ts'
import type { MixedResult, MixedRun } from './mixed.ts'
import { answeredAll, byContender, isComparable } from './mixed-table.ts'

const WIDTH = 1080
const HEADER = 104
const ROW = 34
const FOOTER = 44
const NAMES = 180

/** Who waits how long, and what it costs in throughput: a bar for each contender, a dot for each run. */
export function renderMixedChart(run: MixedRun): string {
  const groups = [...byContender(run.results)]
  const height = HEADER + groups.length * ROW + 40 + FOOTER
  const panels = [
    {
      title: 'Small requests, p99',
      figure: ({ small }: MixedResult) => small.p99Ms,
      say: latency,
      left: NAMES,
      // With room for what is to be said of the longest.
      width: 300,
    },
    {
      title: 'Throughput',
      figure: ({ megabytesPerSecond }: MixedResult) => megabytesPerSecond,
      say: (value: number) => `${value.toFixed(0)} MB/s`,
      left: NAMES + 470,
      width: 330,
    },
  ]
  return renderSvg(WIDTH, height, {
    title: [
      heading(run),
      ...panels.map(({ title, left }) => ({
        left,
        top: HEADER - 30,
        text: title,
        textStyle: { ...text(13), fontWeight: 600 as const },
      })),
      footer(run, height),
    ],
    grid: panels.map(({ left, width }) => ({
      left,
      width,
      top: HEADER,
      height: groups.length * ROW,
      outerBoundsMode: 'none' as const,
    })),
    xAxis: panels.map((_, gridIndex) => ({ gridIndex, type: 'value' as const, show: false })),
    yAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'category' as const,
      inverse: true,
      data: groups.map(([name]) => name),
      axisLabel: { ...text(13), show: gridIndex === 0 },
      axisTick: { show: false },
      axisLine: { show: true, lineStyle: { color: ink.axis } },
    })),
    series: panels.flatMap(({ figure, say }, index) => [
      bars(groups, index, figure, say),
      dots(groups, index, figure),
    ]),
  })
}

type Groups = readonly (readonly [string, readonly MixedResult[]])[]

function bars(
  groups: Groups,
  index: number,
  figure: (result: MixedResult) => number,
  say: (value: number) => string,
): echarts.BarSeriesOption {
  return {
    type: 'bar',
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 16,
    data: groups.map(([name, runs]) => {
      const value = spreadOf(runs.map(figure)).median
      const color = name === 'Plimsoll' ? ink.governed : isComparable(runs) ? ink.peer : ink.ungoverned
      const { lowest, highest } = spreadOf(runs.map(({ podsKilled }) => podsKilled))
      const killed = lowest === highest ? `${highest}` : `${lowest} to ${highest}`
      // What its figures are worth: those who were not answered are not in them.
      const lived = answeredAll(runs) ? 'over the limit' : 'not all answered'
      const flaw = isComparable(runs) ? '' : `, ${highest > 0 ? `${killed} of 4 pods killed` : lived}`
      return {
        value,
        itemStyle: { color, opacity: 0.85 },
        label: {
          ...text(12, color),
          show: true,
          position: 'right' as const,
          formatter: `${say(value)}${index === 0 ? flaw : ''}`,
          distance: 14,
        },
      }
    }),
  }
}

function dots(
  groups: Groups,
  index: number,
  figure: (result: MixedResult) => number,
): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbolSize: 5,
    itemStyle: { color: ink.text, opacity: 0.55 },
    data: groups.flatMap(([, runs], y) => runs.map(run => [figure(run), y])),
  }
}

function heading({ results, clients }: MixedRun): echarts.TitleComponentOption {
  const limit = (results[0]?.cage.limitBytes ?? 0) / 2 ** 20
  return {
    left: 16,
    top: 12,
    text: `Four pods of ${limit} MiB behind HAProxy, uploads of 4 KiB to 16 MiB`,
    textStyle: { ...text(18), fontWeight: 600 },
    subtext: `${clients} clients, ${results[0]?.requests} requests; each run a dot, their median a bar. Small: up to 64 KiB`,
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function footer({ machine, haproxy, results }: MixedRun, height: number): echarts.TitleComponentOption {
  return {
    left: 16,
    top: height - FOOTER + 12,
    text: `HAProxy ${haproxy}; limits held by ${results[0]?.cage.kind}. ${machineLine(machine)}.`,
    textStyle: text(11, ink.faint),
  }
}
