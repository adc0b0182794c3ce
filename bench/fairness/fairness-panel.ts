import type { GridComponentOption, ScatterSeriesOption, TitleComponentOption } from 'echarts'
import type { Tally } from '../flood/load/outcome.ts'
import { ink, text } from '../picture.ts'
import { refused } from './asks.ts'
import type { FairnessResult } from './fairness-result.ts'
import { pooled } from './pooled.ts'
import type { Honest, Scenario } from './scenarios.ts'
import { type ServerKind, serverKinds, serverNames } from './servers.ts'
import { thinned } from './thinned.ts'

const ROW = 19
const MARGIN = { top: 52, bottom: 34, left: 152, right: 96 }
const DOTS = 60
const AXIS_MS = [1, 10, 100, 1_000, 10_000, 100_000]

export const serverInk: Readonly<Record<ServerKind, string>> = {
  ungoverned: ink.ungoverned,
  semaphore: ink.peer,
  plimsoll: ink.governed,
  shares: ink.governedToo,
}

/** One kind of honest request on one server. */
interface Row {
  readonly honest: Honest
  readonly server: ServerKind
  readonly tally: Tally
  readonly killed: boolean
  /** The middle one of its kind bears the kind's name. */
  readonly named: boolean
}

export function panelHeight(scenario: Scenario, results: readonly FairnessResult[]): number {
  return MARGIN.top + rowsOf(scenario, results).length * ROW + MARGIN.bottom
}

/** One scenario: a row for each kind of honest request on each server, with a logarithmic axis of time. */
export function fairnessPanel(
  scenario: Scenario,
  results: readonly FairnessResult[],
  index: number,
  { left, top, width }: { left: number; top: number; width: number },
) {
  const rows = rowsOf(scenario, results)
  const middles = rows.map((_, row) => row + 0.5)
  const at = (value: number) => rows[Math.floor(value)] as Row
  const axis = { gridIndex: index, type: 'value' as const, min: 0, max: rows.length, inverse: true }
  const bare = { axisLine: { show: false }, axisTick: { show: false } }
  return {
    title: {
      left: left + 10,
      top,
      text: scenario.title.name,
      textStyle: { ...text(15), fontWeight: 600 },
      subtext: loadAndRefusals(scenario, rows),
      subtextStyle: text(12, ink.faint),
      itemGap: 3,
    } satisfies TitleComponentOption,
    grid: {
      left: left + MARGIN.left,
      top: top + MARGIN.top,
      width: width - MARGIN.left - MARGIN.right,
      height: rows.length * ROW,
      outerBoundsMode: 'none',
    } satisfies GridComponentOption,
    xAxis: {
      gridIndex: index,
      type: 'log' as const,
      position: 'bottom' as const,
      // Rows count from the top, where their axis is 0.
      axisLine: { onZero: false, lineStyle: { color: ink.axis } },
      min: AXIS_MS[0],
      max: AXIS_MS.at(-1),
      axisLabel: {
        ...text(11, ink.faint),
        formatter: (ms: number) => (ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`),
      },
      splitLine: { lineStyle: { color: ink.grid } },
    },
    yAxes: [
      {
        ...axis,
        ...bare,
        // Between one kind of request and the next.
        interval: rows.filter(({ honest }) => honest === rows[0]?.honest).length,
        splitLine: { lineStyle: { color: ink.axis } },
        axisLabel: {
          ...text(12),
          customValues: middles,
          formatter: (value: number) => (at(value).named ? at(value).honest.name : ''),
        },
      },
      {
        ...axis,
        ...bare,
        position: 'right' as const,
        splitLine: { show: false },
        axisLabel: {
          ...text(12),
          customValues: middles,
          formatter: (value: number) => served(at(value)),
          color: (value: unknown) => serverInk[at(Number(value)).server],
        },
      },
    ],
    series: serverKinds.map(server => dots(server, rows, index)),
  }
}

function rowsOf({ name, honest }: Scenario, results: readonly FairnessResult[]): Row[] {
  const here = serverKinds.flatMap(server => {
    const runs = results.filter(result => result.scenario === name && result.server === server)
    return runs.length === 0 ? [] : [{ server, runs }]
  })
  return honest.flatMap((kind, index) =>
    here.map(({ server, runs }, row) => ({
      honest: kind,
      server,
      tally: pooled(runs.map(({ load }) => load.honest[index] as Tally)),
      killed: runs.some(({ ending }) => ending.kind === 'killed for memory'),
      named: row === here.length >> 1,
    })),
  )
}

function served({ tally, killed }: Row): string {
  return `${tally.answered} of ${tally.requests}${killed ? ' †' : ''}`
}

/** And where to refuse is asked too, who did: the dots are of those who were served. */
function loadAndRefusals({ title }: Scenario, rows: readonly Row[]): string {
  const refusals = rows
    .filter(({ honest, tally }) => honest.asks.othersRefused && refused(tally) > 0)
    .map(({ tally, server }) => `${refused(tally)} by ${serverNames[server]}`)
  return refusals.length === 0 ? title.load : `${title.load}; refused: ${refusals.join(', ')}`
}

function dots(server: ServerKind, rows: readonly Row[], index: number): ScatterSeriesOption {
  const color = serverInk[server]
  const data = rows.flatMap((row, at) =>
    row.server === server
      ? thinned(row.tally.latenciesMs, DOTS).map((ms, dot) => [
          Math.max(1, ms),
          at + 0.5 + (((dot * 7) % 5) - 2) * 0.09,
        ])
      : [],
  )
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: 2 * index,
    symbolSize: 6,
    silent: true,
    itemStyle: { color, opacity: 0.6 },
    data,
    // What is asked of Plimsoll, so beside its rows.
    ...(server === 'plimsoll' ? { markLine: { ...bars, data: rows.flatMap(bar) } } : {}),
  }
}

const bars = {
  silent: true,
  symbol: 'none',
  label: { show: false },
  lineStyle: { color: ink.text, width: 2, type: 'solid' as const },
}

function bar({ honest: { asks }, server }: Row, at: number): [{ coord: number[] }, { coord: number[] }][] {
  const most = asks.eachMs ?? asks.p99Ms
  if (server !== 'plimsoll' || most === undefined) return []
  return [[{ coord: [most, at + 0.08] }, { coord: [most, at + 0.92] }]]
}
