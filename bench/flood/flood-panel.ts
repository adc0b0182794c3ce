import type { GridComponentOption, LineSeriesOption, TitleComponentOption } from 'echarts'
import { ink, text } from '../picture.ts'
import { floodLine } from './flood-line.ts'
import type { Repeated } from './repeated.ts'

const MARGIN = { top: 56, bottom: 46, left: 54, right: 14 }

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** One scenario: its servers on one pair of axes. */
export function floodPanel(servers: readonly Repeated[], index: number, topMiB: number, box: Box) {
  const results = servers.map(({ typical }) => typical)
  const limitMiB = (results[0]?.cage.limitBytes ?? 0) / 2 ** 20
  const scale = {
    limitMiB,
    seconds: Math.ceil(Math.max(...results.map(result => result.seconds))),
    clearFromSeconds: Math.max(
      0,
      ...results.map(({ ending }) => ('atSeconds' in ending ? ending.atSeconds : 0)),
    ),
    topMiB,
  }
  const axis = { gridIndex: index, type: 'value' as const, nameTextStyle: text(11, ink.faint) }
  const label = text(11, ink.faint)
  return {
    title: {
      left: box.left + 14,
      top: box.top,
      text: results[0]?.title.name ?? '',
      textStyle: { ...text(15), fontWeight: 600 },
      subtext: results[0]?.title.load ?? '',
      subtextStyle: text(12, ink.faint),
      itemGap: 3,
    } satisfies TitleComponentOption,
    grid: {
      left: box.left + MARGIN.left,
      top: box.top + MARGIN.top,
      width: box.width - MARGIN.left - MARGIN.right,
      height: box.height - MARGIN.top - MARGIN.bottom,
    } satisfies GridComponentOption,
    xAxis: {
      ...axis,
      max: scale.seconds,
      name: 'seconds',
      nameLocation: 'middle' as const,
      nameGap: 26,
      // The end of the flood falls anywhere, and often next to a round second.
      axisLabel: { ...label, showMaxLabel: false },
      splitLine: { show: false },
      axisLine: { show: true, lineStyle: { color: ink.axis } },
    },
    yAxis: {
      ...axis,
      max: scale.topMiB,
      interval: limitMiB / 4,
      name: 'MiB',
      nameLocation: 'middle' as const,
      nameGap: 36,
      axisLabel: { ...label, showMaxLabel: false },
      splitLine: { showMaxLine: false, lineStyle: { color: ink.grid } },
    },
    series: servers.map(server => floodLine(server, index, scale)) satisfies LineSeriesOption[],
  }
}
