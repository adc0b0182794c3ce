import type * as echarts from 'echarts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { type PodEvent, type RestartResult, type RestartRun, said } from './restart.ts'

const WIDTH = 1080
const HEADER = 100
const PANEL = 150
const FOOTER = 40
const LEFT = 70
const RIGHT = 70

/** Memory and load of each pod over time, with what befell it. */
export function renderRestartChart(run: RestartRun): string {
  const result = run.results[(run.results.length - 1) >> 1] as RestartResult
  const height = HEADER + result.series.length * PANEL + FOOTER
  const most = Math.max(...result.series.flat().map(([, , rate]) => rate))
  return renderSvg(WIDTH, height, {
    title: [
      heading(run, result),
      ...legend(),
      ...result.series.map((_, at) => podName(at)),
      footer(run, height),
    ],
    grid: result.series.map((_, at) => ({
      left: LEFT,
      right: RIGHT,
      top: HEADER + at * PANEL + 22,
      height: PANEL - 44,
      outerBoundsMode: 'none' as const,
    })),
    xAxis: result.series.map((_, gridIndex) => ({
      gridIndex,
      type: 'value' as const,
      max: Math.ceil(result.seconds),
      axisLabel: {
        ...text(11, ink.faint),
        show: gridIndex === result.series.length - 1,
        formatter: '{value} s',
      },
      splitLine: { show: false },
      axisLine: { show: true, lineStyle: { color: ink.axis } },
    })),
    yAxis: result.series.flatMap((_, gridIndex) => [
      axis(gridIndex, 'left', result.cage.limitBytes / 2 ** 20),
      axis(gridIndex, 'right', Math.ceil(most / 50) * 50),
    ]),
    series: result.series.flatMap((series, at) => [memory(series, at, result), load(series, at)]),
  })
}

function axis(gridIndex: number, position: 'left' | 'right', max: number): echarts.YAXisComponentOption {
  return {
    gridIndex,
    position,
    type: 'value',
    min: 0,
    max,
    interval: max / 2,
    axisLabel: text(11, position === 'left' ? ink.governed : ink.peer),
    splitLine: { show: position === 'left', lineStyle: { color: ink.grid } },
  }
}

function memory(
  series: RestartResult['series'][number],
  at: number,
  { events }: RestartResult,
): echarts.LineSeriesOption {
  return {
    type: 'line',
    xAxisIndex: at,
    yAxisIndex: 2 * at,
    showSymbol: false,
    z: 3,
    data: series.map(([seconds, mebibytes]) => [seconds, mebibytes]),
    lineStyle: { color: ink.governed, width: 1.5 },
    markLine: {
      silent: true,
      symbol: 'none',
      data: events.filter(({ pod }) => pod === at).map(mark),
    },
  }
}

const WORDS: Readonly<Record<PodEvent['what'], string>> = {
  killed: 'SIGKILL',
  back: 'back',
  SIGTERM: 'SIGTERM',
  ended: '',
}

function mark({ atSeconds, what }: PodEvent) {
  const color = what === 'killed' ? ink.alarm : ink.faint
  return {
    xAxis: atSeconds,
    lineStyle: { color, type: 'dashed' as const, width: 1 },
    // On the side away from what comes next: a pod is back soon.
    label: {
      ...text(10, color),
      formatter: WORDS[what],
      align: what === 'back' ? ('left' as const) : ('right' as const),
    },
  }
}

function load(series: RestartResult['series'][number], at: number): echarts.LineSeriesOption {
  return {
    type: 'line',
    xAxisIndex: at,
    yAxisIndex: 2 * at + 1,
    showSymbol: false,
    step: 'middle',
    data: series.map(([seconds, , rate]) => [seconds, rate]),
    lineStyle: { width: 0 },
    areaStyle: { color: ink.peer, opacity: 0.35 },
  }
}

function podName(at: number): echarts.TitleComponentOption {
  return {
    left: 12,
    top: HEADER + at * PANEL + 2,
    text: `pod ${at + 1}`,
    textStyle: { ...text(12), fontWeight: 600 },
  }
}

function legend(): echarts.TitleComponentOption[] {
  return [
    { name: '― memory, MiB', color: ink.governed },
    { name: '■ requests a second', color: ink.peer },
  ].map(({ name, color }, at) => ({
    left: LEFT + at * 150,
    top: 66,
    text: name,
    textStyle: { ...text(12, color), fontWeight: 700 as const },
  }))
}

function heading({ clients }: RestartRun, result: RestartResult): echarts.TitleComponentOption {
  return {
    left: 16,
    top: 12,
    text: `A pod killed under load, then all restarted: ${result.answered} answered`,
    textStyle: { ...text(18), fontWeight: 600 },
    subtext:
      `${clients} clients. Of ${result.inFlight} in flight on the pod killed, lost: ${said(result.lostByKill)}. ` +
      `By the rolling restart: ${said(result.lostByRollingRestart)}`,
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function footer({ machine, haproxy, results }: RestartRun, height: number): echarts.TitleComponentOption {
  const limit = (results[0]?.cage.limitBytes ?? 0) / 2 ** 20
  return {
    left: 16,
    top: height - 24,
    text: `Pods of ${limit} MiB (${results[0]?.cage.kind}) behind HAProxy ${haproxy}. ${machineLine(machine)}.`,
    textStyle: text(11, ink.faint),
  }
}
