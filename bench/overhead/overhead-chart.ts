import type * as echarts from 'echarts'
import { heading, ink, renderSvg, text } from '../picture.ts'
import { median } from '../statistics.ts'
import type { Protocol } from './contenders.ts'
import { type InFront, inFront } from './in-front.ts'
import { figureOf, isBeside, type OverheadResult, type OverheadRun, ratios } from './overhead-result.ts'
import { footnote } from './overhead-table.ts'
import { type Route, routes } from './routes.ts'

const LEFT = 236
const PANEL = { width: 138, pitch: 238 }
const HEADER = 96
const ROW = 24
const BLOCK = { above: 64, below: 44 }
const FOOTER = 40
const color: Readonly<Record<InFront, string>> = {
  plain: ink.text,
  plimsoll: ink.governed,
  observing: ink.governedToo,
  'under-pressure': ink.peer,
  'overload-protection': ink.peer,
}

interface Panel {
  readonly route: Route
  readonly rows: readonly Row[]
  readonly left: number
  readonly top: number
  readonly isFirst: boolean
}

interface Row {
  readonly framework: string
  readonly inFront: InFront
  /** Undefined where this one was not measured. */
  readonly result: OverheadResult | undefined
}

/** CPU time alone: requests a second say little where client and server share a core. Each run a dot, medians as bars. */
export function renderOverheadChart(run: OverheadRun): string {
  const shown = routes.filter(({ name }) => run.results.some(({ route }) => route === name))
  const blocks = blocksOf(run, shown)
  const panels = blocks.flatMap(block => block.panels)
  const last = blocks.at(-1)
  const height = (last === undefined ? HEADER : last.bottom) + FOOTER
  const [least, most, interval] = reach(run)
  return renderSvg(LEFT + Math.max(3, shown.length) * PANEL.pitch, height, {
    title: [
      heading(
        14,
        10,
        18,
        'What a request costs that has its room',
        'CPU time of the server, over that of the same one with nothing in front: less is better',
      ),
      ...blocks.map(({ protocol, top }) => heading(14, top - BLOCK.above + 4, 15, protocol, '')),
      ...panels.map(panel =>
        heading(panel.left, panel.top - BLOCK.above + 4, 14, panel.route.title, plainCost(panel)),
      ),
      { left: 14, top: height - 26, text: footnote(run), textStyle: text(11, ink.faint) },
    ],
    grid: panels.map(({ left, top, rows }) => ({
      left,
      top,
      width: PANEL.width,
      height: rows.length * ROW,
      outerBoundsMode: 'none' as const,
    })),
    xAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'value' as const,
      min: least,
      max: most,
      interval,
      axisLabel: {
        ...text(11, ink.faint),
        formatter: (value: number) => value.toFixed(1),
        hideOverlap: true,
      },
      splitLine: { lineStyle: { color: ink.grid } },
    })),
    yAxis: panels.map(({ rows, isFirst }, gridIndex) => ({
      gridIndex,
      type: 'category' as const,
      inverse: true,
      data: rows.map(row => `${row.framework}, ${inFront[row.inFront]}`),
      axisLabel: isFirst ? text(12) : { show: false },
      axisTick: { show: false },
      axisLine: { show: false },
    })),
    series: panels.flatMap((panel, index) => [
      dots(run, panel, index),
      medians(run, panel, index),
      figures(run, panel, index, most),
    ]),
  })
}

function blocksOf(run: OverheadRun, shown: readonly Route[]) {
  let top = HEADER
  return [...new Set(run.results.map(({ protocol }) => protocol))].map(protocol => {
    const all = run.results.filter(result => result.protocol === protocol && result.inFront !== 'plain')
    const names = [...new Set(all.map(({ framework, inFront }) => `${framework}|${inFront}`))]
    const first = top + BLOCK.above
    top = first + names.length * ROW + BLOCK.below
    const panels = shown.map((route, at): Panel => {
      const rows = names.map(name => {
        const [framework = '', front] = name.split('|')
        const result = all.find(
          one => one.route === route.name && one.framework === framework && one.inFront === front,
        )
        return { framework, inFront: front as InFront, result }
      })
      return { route, rows, left: LEFT + at * PANEL.pitch, top: first, isFirst: at === 0 }
    })
    return { protocol: protocol as Protocol, top: first, bottom: top, panels }
  })
}

/** One scale for all panels, since what is compared are contenders. */
function reach(run: OverheadRun): [least: number, most: number, interval: number] {
  const all = run.results.flatMap(result => ratios(run, result, 'cpu')).filter(Number.isFinite)
  const least = Math.floor(Math.min(0.95, ...all) * 10) / 10
  const most = Math.ceil(Math.max(1.15, ...all) * 10) / 10
  return [least, most, most - least > 0.6 ? 0.5 : 0.1]
}

function dots(run: OverheadRun, { rows }: Panel, index: number): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbolSize: 6,
    data: rows.flatMap(({ result, inFront }, y) =>
      (result === undefined ? [] : ratios(run, result, 'cpu')).map(ratio => ({
        value: [ratio, y],
        itemStyle: { color: color[inFront], opacity: 0.4 },
      })),
    ),
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: ink.text, width: 1.5, type: 'dashed' },
      label: { show: false },
      data: [{ xAxis: 1 }],
    },
  }
}

function medians(run: OverheadRun, { rows }: Panel, index: number): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbol: 'rect',
    symbolSize: [3, 16],
    data: rows.flatMap(({ result, inFront }, y) =>
      result === undefined
        ? []
        : [{ value: [median(ratios(run, result, 'cpu')), y], itemStyle: { color: color[inFront] } }],
    ),
  }
}

/** The figures in a column of their own, where no dot or line crosses them. */
function figures(
  run: OverheadRun,
  { rows }: Panel,
  index: number,
  right: number,
): echarts.ScatterSeriesOption {
  return {
    type: 'scatter',
    xAxisIndex: index,
    yAxisIndex: index,
    symbolSize: 0,
    data: rows.flatMap(({ result, inFront }, y) =>
      result === undefined
        ? []
        : [
            {
              value: [right, y],
              label: {
                ...text(12, color[inFront]),
                show: true,
                position: 'right' as const,
                fontWeight: 600,
                formatter: `${median(ratios(run, result, 'cpu')).toFixed(2)}  ${added(run, result)}`,
              },
            },
          ],
    ),
  }
}

/** What a request costs more, by the medians. */
function added({ results }: OverheadRun, result: OverheadResult): string {
  const plain = results.find(one => one.inFront === 'plain' && isBeside(one, result))
  const cost = (one: OverheadResult): number => median(one.runs.map(run => figureOf(run, 'cpu')))
  const more = plain === undefined ? Number.NaN : cost(result) - cost(plain)
  return `${more < 0 ? '−' : '+'}${Math.abs(more).toFixed(Math.abs(more) < 10 ? 1 : 0)} µs`
}

function plainCost({ rows }: Panel): string {
  return rows.some(({ result }) => result !== undefined) ? 'over plain; µs a request more' : 'not measured'
}
