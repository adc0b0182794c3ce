import type * as echarts from 'echarts'
import { ink, renderSvg, text } from '../picture.ts'
import { type Policy, type PolicyName, policies } from './policies.ts'
import type { CellResult, SimulationRun } from './simulation-result.ts'

const WIDTH = 1080
const HEIGHT = 880
const LEFT = 62
const PANEL = { width: 440, height: 250 }
const COLUMNS = [LEFT, LEFT + WIDTH / 2] as const
const ROWS = [166, 540] as const

const colors: Partial<Record<PolicyName, string>> = {
  'leastconn 6': '#e8a33d',
  'leastconn 16': '#d9773a',
  'leastconn 40': ink.ungoverned,
  'leastconn 16 in all': ink.peer,
  'budget, leastconn 40': ink.governedToo,
  'budget, agent': ink.governed,
  'budget, two choices': '#2a8f7a',
  'budget, freest': '#8b5cb8',
  'budget, all known': ink.text,
}

interface Panel {
  readonly title: string
  readonly subtext: string
  readonly results: readonly CellResult[]
  readonly across: { readonly name: string; readonly of: (result: CellResult) => number }
  readonly up: { readonly name: string; readonly of: (result: CellResult) => number; readonly log?: true }
  readonly lines?: readonly { readonly name: string; readonly at: number }[]
}

/** Four questions, a line for each way to choose. */
export function renderSimulationChart(run: SimulationRun): string {
  const panels = panelsOf(run)
  return renderSvg(WIDTH, HEIGHT, {
    title: [
      {
        left: 16,
        top: 12,
        text: 'From 4 to 10,000 pods behind proxies that each see a part of the load: a simulation',
        textStyle: { ...text(18), fontWeight: 600 },
        subtext: `Files of web servers (Surge), half of the requests of its tail, up to 16 MiB. Load 1: all the bandwidth there is. Pods of ${run.world.roomBytes / 2 ** 20} MiB for bodies; budget ${run.world.budgetBytes / 2 ** 20} MiB.`,
        subtextStyle: text(13, ink.faint),
        itemGap: 5,
      },
      ...panels.map((panel, index) => ({
        left: (COLUMNS[index % 2] as number) - 46,
        top: (ROWS[index >> 1] as number) - 52,
        text: panel.title,
        textStyle: { ...text(15), fontWeight: 600 },
        subtext: panel.subtext,
        subtextStyle: text(12, ink.faint),
        itemGap: 3,
      })),
    ],
    legend: {
      left: 16,
      top: 62,
      itemWidth: 26,
      itemGap: 18,
      textStyle: text(12),
      data: Object.keys(policies),
    },
    grid: panels.map((_, index) => ({
      ...PANEL,
      left: COLUMNS[index % 2] as number,
      top: ROWS[index >> 1] as number,
      outerBoundsMode: 'none' as const,
    })),
    xAxis: panels.map(({ results, across }, gridIndex) => ({
      gridIndex,
      type: 'category' as const,
      boundaryGap: false,
      data: valuesOf(results, across.of).map(value => value.toLocaleString('en-US')),
      name: across.name,
      nameLocation: 'middle' as const,
      nameGap: 26,
      nameTextStyle: text(11, ink.faint),
      axisLabel: text(11, ink.faint),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: ink.axis } },
    })),
    yAxis: panels.map(({ up }, gridIndex) => ({
      gridIndex,
      type: up.log ? ('log' as const) : ('value' as const),
      name: up.name,
      nameLocation: 'middle' as const,
      nameGap: 44,
      nameTextStyle: text(11, ink.faint),
      axisLabel: text(11, ink.faint),
      splitLine: { lineStyle: { color: ink.grid } },
    })),
    series: panels.flatMap(seriesOf),
  })
}

function panelsOf({ results, world }: SimulationRun): Panel[] {
  const scale = results.filter(({ question }) => question === 'scale')
  const proxies = { name: 'proxies', of: (result: CellResult) => result.proxies }
  const overloaded = scale.filter(({ load }) => load > 1)
  const few = 16
  const crowd = overloaded.filter(({ pods }) => pods === few)
  const aged = results.filter(({ question }) => question === 'staleness')
  return [
    {
      title: 'Too much to do: small requests, p99',
      subtext: `load 1.1, ${few} pods; of those answered, up to 64 KiB`,
      results: crowd,
      across: proxies,
      up: { name: 'ms', of: ({ smallP99Ms }) => smallP99Ms, log: true },
    },
    {
      title: 'Too much to do: refused or lost',
      subtext: `load 1.1, ${few} pods; of 100 requests`,
      results: crowd,
      across: proxies,
      up: { name: '%', of: ({ refusedPart, lostPart }) => 100 * (refusedPart + lostPart) },
    },
    {
      title: 'The most that a pod held',
      subtext: 'load 0.8, 4 proxies; who is above the line was killed',
      results: scale.filter(result => result.load < 1 && result.proxies === 4),
      across: { name: 'pods', of: result => result.pods },
      up: { name: 'MiB', of: ({ peakMiB }) => peakMiB },
      lines: [{ name: 'limit', at: world.roomBytes / 2 ** 20 }],
    },
    {
      title: 'Who believes what is old',
      subtext: `load 0.8, ${aged[0]?.pods} pods, 4 proxies; answered, of 100 bytes asked for`,
      results: aged,
      across: {
        name: 'seconds from one question to the agent to the next',
        of: result => result.agentSeconds,
      },
      up: { name: '%', of: ({ used, load }) => Math.min(100, (100 * used) / load) },
    },
  ]
}

function seriesOf({ results, across, up, lines = [] }: Panel, index: number): echarts.LineSeriesOption[] {
  const values = valuesOf(results, across.of)
  const names = [...new Set(results.map(({ policy }) => policy))]
  return names.map((name, at) => {
    const policy: Policy = policies[name]
    const color = colors[name] ?? ink.text
    return {
      type: 'line',
      name,
      xAxisIndex: index,
      yAxisIndex: index,
      symbol: 'circle',
      symbolSize: 6,
      data: values.map(value => {
        const result = results.find(one => one.policy === name && across.of(one) === value)
        return result === undefined ? null : up.of(result)
      }),
      lineStyle: { color, width: policy.governed ? 2 : 1.5, type: policy.governed ? 'solid' : 'dashed' },
      itemStyle: { color },
      ...(at === 0 && {
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: ink.alarm, type: 'dashed' as const },
          label: { ...text(11, ink.alarm), position: 'insideStartTop' as const },
          data: lines.map(line => ({ yAxis: line.at, label: { formatter: line.name } })),
        },
      }),
    }
  })
}

function valuesOf(results: readonly CellResult[], of: (result: CellResult) => number): number[] {
  return [...new Set(results.map(of))].sort((a, b) => a - b)
}
