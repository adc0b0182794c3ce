import type { LineSeriesOption, MarkLineComponentOption } from 'echarts'
import { ink, text } from '../picture.ts'
import type { FloodResult } from './flood-result.ts'
import type { Repeated } from './repeated.ts'
import { answeredInRuns, ending, endings, peaks, seconds } from './wording.ts'

export interface Scale {
  readonly limitMiB: number
  readonly topMiB: number
  readonly seconds: number
  /** From here on no line but the survivor's is in the way of its label. */
  readonly clearFromSeconds: number
}

type Marks = NonNullable<LineSeriesOption['markPoint']>['data'] & object

const CROSS = 'path://M-5,-3 L-3,-5 L0,-2 L3,-5 L5,-3 L2,0 L5,3 L3,5 L0,2 L-3,5 L-5,3 L-2,0 Z'

/** The memory of one server over time, with its name, and how it ended, beside it. */
export function floodLine(server: Repeated, index: number, scale: Scale): LineSeriesOption {
  const result = server.typical
  const color = ink[result.server]
  const series = untilDeath(result, scale)
  const death = result.ending.kind === 'killed for memory' ? series.at(-1) : undefined
  const governed = result.server === 'governed'
  return {
    type: 'line',
    xAxisIndex: index,
    yAxisIndex: index,
    data: highestOfEachPixel(series, scale.seconds),
    showSymbol: false,
    z: governed ? 2 : 3,
    lineStyle: { color, width: 2 },
    ...(governed ? { areaStyle: { color, opacity: 0.1 } } : { markLine: limitLine(scale) }),
    markPoint: {
      silent: true,
      data: [...label(server, scale, death), ...(death ? cross(death, color) : [])],
    },
  }
}

type Point = readonly [seconds: number, mebibytes: number]

/**
 * Without the last samples of a process that was killed, which show how the kernel cleared it away,
 * and with a point at the limit instead: the kernel kills there and nowhere below, so what is proven
 * to have been killed was there, seen or not.
 */
function untilDeath({ series, ending }: FloodResult, { limitMiB }: Scale): Point[] {
  if (ending.kind !== 'killed for memory') return [...series]
  const highest = Math.max(...series.map(([, memory]) => memory))
  const last = series.findLastIndex(([, memory]) => memory > highest * 0.95)
  const kept = series.slice(0, last + 1)
  return [...kept, [ending.atSeconds, Math.max(limitMiB, kept.at(-1)?.[1] ?? 0)]]
}

function limitLine({ limitMiB }: Scale): MarkLineComponentOption {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: ink.text, width: 1.5, type: 'dashed' },
    label: { ...text(11), position: 'insideEndTop', formatter: `limit ${limitMiB} MiB` },
    data: [{ yAxis: limitMiB }],
  }
}

function cross([x, y]: Point, color: string): Marks {
  return [
    {
      name: 'killed',
      coord: [x, y],
      symbol: CROSS,
      symbolSize: 14,
      itemStyle: { color },
      label: { show: false },
    },
  ]
}

/** In the line's own colour and beside it, instead of a legend. */
function label(server: Repeated, scale: Scale, death: Point | undefined): Marks {
  const result = server.typical
  const color = ink[result.server]
  const name = result.server === 'governed' ? 'with Plimsoll' : 'without Plimsoll'
  const lines = death
    ? [`${ending(result).split(',')[0]} after ${seconds(death[0])}`, `${answeredInRuns(server)} answered`]
    : [`${answeredInRuns(server)} answered, ${endings(server)}`, `peak ${peaks(server)}`]
  const peakMiB = result.peakBytes / 2 ** 20
  // Over its line while that stays in the lower half; else inside the area, where there is room then.
  const above = peakMiB <= scale.limitMiB / 2
  return [
    {
      name,
      coord: death
        ? [death[0], scale.limitMiB]
        : [(scale.clearFromSeconds + result.seconds) / 2, above ? peakMiB : 0],
      symbol: 'circle',
      symbolSize: 0,
      label: {
        ...text(12, color),
        show: true,
        formatter: [`{name|${name}}`, ...lines].join('\n'),
        rich: { name: { ...text(13, color), fontWeight: 700, lineHeight: 19 } },
        lineHeight: 16,
        ...(death ? placedBeside(death, scale) : { ...placedOver, distance: above ? 9 : 5 }),
      },
    },
  ]
}

/** The halo is for a line that crosses its own label where memory falls low. */
const placedOver = {
  position: 'top' as const,
  align: 'center' as const,
  textBorderColor: '#ffffffc0',
  textBorderWidth: 2,
}

/** Below the limit's line and on the side where there is room. */
function placedBeside([x]: Point, { seconds }: Scale) {
  const right = x < seconds / 2
  return {
    position: right ? ('right' as const) : ('left' as const),
    align: right ? ('left' as const) : ('right' as const),
    verticalAlign: 'top' as const,
    distance: 12,
    offset: [0, 7],
  }
}

/** A peak must not get lost where there are more samples than pixels. */
function highestOfEachPixel(series: readonly Point[], lastSecond: number): [number, number][] {
  const slots = new Map<number, Point>()
  for (const point of series) {
    const slot = Math.floor((point[0] / lastSecond) * 400)
    const known = slots.get(slot)
    if (!known || point[1] > known[1]) slots.set(slot, point)
  }
  return [...slots.values()].map(([x, y]) => [x, y])
}
