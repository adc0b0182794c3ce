import type * as echarts from 'echarts'
import { frameworkNames } from '../flood/servers.ts'
import { mebibytes, standIn } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import { fairnessPanel, panelHeight, serverInk } from './fairness-panel.ts'
import type { FairnessRun } from './fairness-result.ts'
import { scenarioNamed } from './scenarios.ts'
import { serverKinds, serverNames } from './servers.ts'

const WIDTH = 1080
const COLUMNS = 2
const HEADER = 98
const FOOTER = 30

/** How long each honest request took that was served: one panel a scenario, all servers in each. */
export function renderFairnessChart(run: FairnessRun): string {
  const names = [...new Set(run.results.map(({ scenario }) => scenario))]
  const tops: number[] = [HEADER]
  for (let row = 0; row * COLUMNS < names.length; row++) {
    const inRow = names.slice(row * COLUMNS, (row + 1) * COLUMNS).map(scenarioNamed)
    tops.push((tops[row] as number) + Math.max(...inRow.map(scenario => panelHeight(scenario, run.results))))
  }
  const height = (tops.at(-1) as number) + FOOTER
  const panels = names.map((name, index) =>
    fairnessPanel(scenarioNamed(name), run.results, index, {
      left: ((index % COLUMNS) * WIDTH) / COLUMNS,
      top: tops[Math.floor(index / COLUMNS)] as number,
      width: WIDTH / COLUMNS,
    }),
  )
  return renderSvg(WIDTH, height, {
    title: [header(run), ...legend(), footer(run, height), ...panels.map(panel => panel.title)],
    grid: panels.map(panel => panel.grid),
    xAxis: panels.map(panel => panel.xAxis),
    yAxis: panels.flatMap(panel => panel.yAxes),
    series: panels.flatMap(panel => panel.series),
  })
}

function header({ framework, results, budget }: FairnessRun): echarts.TitleComponentOption {
  const limit = mebibytes(results[0]?.cage.limitBytes ?? 0)
  return {
    left: 16,
    top: 12,
    text: `Who is still served beside clients that stall? ${frameworkNames[framework]}, in a container of ${limit}`,
    textStyle: { ...text(18), fontWeight: 600 },
    subtext: `Each dot is an honest request that was served, by the time it took; the bar is what is asked. Budget ${budget}.`,
    subtextStyle: text(13, ink.faint),
    itemGap: 5,
  }
}

/** In the servers' own colours, which stand for them in every panel. */
function legend(): echarts.TitleComponentOption[] {
  return serverKinds.map((server, index) => ({
    left: 16 + index * 160,
    top: 62,
    text: `● ${serverNames[server]}`,
    textStyle: { ...text(13, serverInk[server]), fontWeight: 700 },
  }))
}

function footer({ results, machine }: FairnessRun, height: number): echarts.TitleComponentOption {
  const note = standIn(results)
  return {
    left: 16,
    top: height - FOOTER + 4,
    text:
      note ??
      `† killed for memory. Limit held by the kernel, ${results[0]?.cage.kind}. ${machineLine(machine)}.`,
    textStyle: note ? { ...text(11, ink.alarm), fontWeight: 700 } : text(11, ink.faint),
  }
}
