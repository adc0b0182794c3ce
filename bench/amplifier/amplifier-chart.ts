import type * as echarts from 'echarts'
import { mebibytes, standIn } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { type AmplifierResult, type AmplifierRun, resultOf, usefulPerSecond } from './amplifier-result.ts'
import { type Contender, contenders, steps } from './steps.ts'

const WIDTH = 1080
const HEADER = 108
const MEMORY = { top: HEADER, height: 300 }
const USEFUL = { top: HEADER + MEMORY.height + 92, height: 96 }
const HEIGHT = USEFUL.top + USEFUL.height + 66
const LEFT = 62
const RIGHT = 16
const MiB = 2 ** 20

const look: Readonly<Record<Contender, { readonly color: string; readonly name: string }>> = {
  unguarded: { color: ink.ungoverned, name: 'unguarded' },
  guarded: { color: ink.governed, name: 'the same faults, guarded' },
  repaired: { color: ink.peer, name: 'repaired by hand' },
}

/** Peaks against the limit as faults are turned on, and the useful answers below. */
export function renderAmplifierChart(run: AmplifierRun): string {
  const limitMiB = (run.results[0]?.cage.limitBytes ?? 0) / MiB
  const names = steps.map(({ turnedOn }) => (turnedOn === 'none' ? 'no fault' : `+ ${turnedOn}`))
  const xAxis = (gridIndex: number, show: boolean): echarts.XAXisComponentOption => ({
    type: 'category',
    gridIndex,
    data: names,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: ink.axis } },
    axisLabel: { ...text(12), show, interval: 0, margin: 12 },
  })
  const yAxis = (gridIndex: number, name: string, max: number): echarts.YAXisComponentOption => ({
    type: 'value',
    gridIndex,
    name,
    nameLocation: 'middle',
    nameGap: 40,
    nameTextStyle: text(11, ink.faint),
    max,
    interval: gridIndex === 0 ? limitMiB / 4 : Math.ceil(max / 20) * 10,
    axisLabel: { ...text(11, ink.faint), showMaxLabel: false },
    splitLine: { showMaxLine: false, lineStyle: { color: ink.grid } },
  })
  const grids = [MEMORY, USEFUL].map(({ top, height }) => ({
    left: LEFT,
    right: RIGHT,
    top,
    height,
    outerBoundsMode: 'none' as const,
  }))
  return renderSvg(WIDTH, HEIGHT, {
    title: [heading(run), ...legend(), below(), footer(run)],
    grid: grids,
    xAxis: [xAxis(0, true), xAxis(1, false)],
    yAxis: [yAxis(0, 'peak, MiB', limitMiB * 1.22), yAxis(1, 'a second', run.perSecond)],
    series: contenders.flatMap(contender => [
      peaks(run, contender, limitMiB),
      bars(run, contender, 1, result => Number(usefulPerSecond(result).toFixed(1))),
    ]),
  })
}

function peaks(run: AmplifierRun, contender: Contender, limitMiB: number): echarts.BarSeriesOption {
  const killed = steps.flatMap(({ turnedOn }, x) => {
    const result = resultOf(run, turnedOn, contender)
    return result?.ending.kind === 'killed for memory' ? [{ x, at: result.ending.atSeconds }] : []
  })
  const { color } = look[contender]
  const base = bars(run, contender, 0, result =>
    // The kernel kills at the limit and nowhere below, seen or not.
    Math.round(result.ending.kind === 'killed for memory' ? limitMiB : result.peakBytes / MiB),
  )
  const labels = killed.map(({ x, at }) => ({
    name: 'killed',
    coord: [x, limitMiB],
    symbol: 'circle',
    symbolSize: 0,
    label: {
      ...text(12, color),
      show: true,
      fontWeight: 700 as const,
      position: 'top' as const,
      distance: 8,
      formatter: `killed after ${at.toFixed(1)} s`,
    },
  }))
  if (contender !== 'unguarded') return base
  return {
    ...base,
    markPoint: { silent: true, data: labels },
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: ink.text, width: 1.5, type: 'dashed' },
      label: { ...text(11), position: 'insideStartTop', formatter: `limit ${limitMiB} MiB` },
      data: [{ yAxis: limitMiB }],
    },
  }
}

function bars(
  run: AmplifierRun,
  contender: Contender,
  index: number,
  figureOf: (result: AmplifierResult) => number,
): echarts.BarSeriesOption {
  return {
    type: 'bar',
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: '24%',
    barGap: '12%',
    itemStyle: { color: look[contender].color },
    label: { ...text(11, look[contender].color), show: true, position: 'top', distance: 3 },
    data: steps.map(({ turnedOn }) => {
      const result = resultOf(run, turnedOn, contender)
      if (result === undefined) return '-'
      const value = figureOf(result)
      const isKilled = index === 0 && result.ending.kind === 'killed for memory'
      return { value, label: { show: !isKilled } }
    }),
  }
}

function heading({ results }: AmplifierRun): echarts.TitleComponentOption {
  const limit = mebibytes(results[0]?.cage.limitBytes ?? 0)
  return {
    left: 16,
    top: 12,
    text: `Faults turned on one by one, under one load in ${limit}`,
    textStyle: { ...text(18), fontWeight: 600 },
    subtext:
      'Peak of what the container cannot give back (anonymous, kernel and sockets); each fault stays on',
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function legend(): echarts.TitleComponentOption[] {
  const lefts = { unguarded: 16, guarded: 130, repaired: 356 }
  return contenders.map(contender => ({
    left: lefts[contender],
    top: 68,
    text: `■ ${look[contender].name}`,
    textStyle: { ...text(13, look[contender].color), fontWeight: 700 as const },
  }))
}

function below(): echarts.TitleComponentOption {
  return {
    left: 16,
    top: USEFUL.top - 40,
    text: 'Useful answers a second',
    textStyle: { ...text(15), fontWeight: 600 },
  }
}

function footer({ results, machine, perSecond, budget }: AmplifierRun): echarts.TitleComponentOption {
  const [any] = results
  const load = `${perSecond} visitors a second for ${any?.visitors.seconds} s, budget of the guarded server ${budget}`
  const note = standIn(results)
  return {
    left: 16,
    top: HEIGHT - 46,
    text: `${load}; useless data is in all three, from its step on.\n${note ?? `Limit held by the kernel, ${any?.cage.kind}.`} ${machineLine(machine)}.`,
    textStyle: { ...text(11, note ? ink.alarm : ink.faint), lineHeight: 16 },
  }
}
