import type * as echarts from 'echarts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { floodPanel } from './flood-panel.ts'
import type { FloodResult, FloodRun } from './flood-result.ts'
import { repeated } from './repeated.ts'
import { frameworkNames } from './servers.ts'
import { mebibytes, standIn } from './wording.ts'

const WIDTH = 1080
const HEADER = 72
const PANEL_HEIGHT = 360
const FOOTER = 28

/** Memory over time against the limit: one panel a scenario, both servers in each. */
export function renderFloodChart(run: FloodRun): string {
  const { results } = run
  const scenarios = [...new Set(results.map(result => result.scenario))]
  const columns = scenarios.length <= 3 ? scenarios.length : 2
  const height = HEADER + Math.ceil(scenarios.length / columns) * PANEL_HEIGHT + FOOTER
  const panels = scenarios.map((scenario, index) =>
    floodPanel(repeated(results.filter(result => result.scenario === scenario)), index, topMiB(results), {
      left: ((index % columns) * WIDTH) / columns,
      top: HEADER + Math.floor(index / columns) * PANEL_HEIGHT,
      width: WIDTH / columns,
      height: PANEL_HEIGHT,
    }),
  )
  return renderSvg(WIDTH, height, {
    title: [header(run), footer(run, height), ...panels.map(panel => panel.title)],
    grid: panels.map(panel => panel.grid),
    xAxis: panels.map(panel => panel.xAxis),
    yAxis: panels.map(panel => panel.yAxis),
    series: panels.flatMap(panel => panel.series),
  })
}

/** The same for all panels: over the highest line, and with room for the limit's label. */
function topMiB(results: readonly FloodResult[]): number {
  const limit = results[0]?.cage.limitBytes ?? 0
  const highest = Math.max(...results.map(result => result.peakBytes))
  return Math.max(limit * 1.15, highest * 1.06) / 2 ** 20
}

function header({ results, budget, framework, front }: FloodRun): echarts.TitleComponentOption {
  const limit = mebibytes(results[0]?.cage.limitBytes ?? 0)
  const what = standIn(results)
    ? 'Resident memory'
    : 'Memory the container cannot give back (anonymous, kernel and sockets)'
  return {
    left: 16,
    top: 12,
    text: `One object store on ${frameworkNames[framework]}, flooded in a container of ${limit}${front === undefined ? '' : `, behind ${front}`}`,
    textStyle: { ...text(18), fontWeight: 600 },
    subtext: `${what}, without Plimsoll and with a budget of ${budget}`,
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

function footer({ results, machine }: FloodRun, height: number): echarts.TitleComponentOption {
  const note = standIn(results)
  const over = results.some(result => result.peakBytes > result.cage.limitBytes)
  // Or the reader wonders how a line can pass the limit.
  const sockets = over ? ' It counts sockets apart from its limit.' : ''
  return {
    left: 16,
    top: height - FOOTER,
    text: note ?? `Limit held by the kernel, ${results[0]?.cage.kind}.${sockets} ${machineLine(machine)}.`,
    textStyle: note ? { ...text(11, ink.alarm), fontWeight: 700 } : text(11, ink.faint),
  }
}
