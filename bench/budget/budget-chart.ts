import type * as echarts from 'echarts'
import { machineLine } from '../machine.ts'
import { heading, ink, renderSvg, text } from '../picture.ts'
import { type BudgetRun, cellAt, OURS } from './budget-result.ts'
import { lengthsIn } from './budget-table.ts'
import { contenders } from './contenders.ts'
import type { Figure } from './questions.ts'

const WIDTH = 980
const HEIGHT = 760
const PANEL = { width: 300, height: 210 }
const looks: Readonly<Record<string, { color: string; symbol: string }>> = {
  ByteBudget: { color: ink.governed, symbol: 'circle' },
  'async-sema': { color: ink.peer, symbol: 'rect' },
  'async-mutex': { color: ink.ungoverned, symbol: 'triangle' },
  'p-queue': { color: '#7b3f98', symbol: 'diamond' },
  bottleneck: { color: ink.faint, symbol: 'pin' },
}
const panels: readonly { figure: Figure; title: string; hint: string; left: number; top: number }[] = [
  {
    figure: 'awaited',
    title: 'With room',
    hint: 'to acquire, await it, and release',
    left: 66,
    top: 140,
  },
  {
    figure: 'grant',
    title: 'With so many waiting',
    hint: 'a grant, from one release to the next',
    left: 556,
    top: 140,
  },
  {
    figure: 'mixed',
    title: 'Mixed sizes, 1 KiB to 16 MiB',
    hint: 'a grant likewise; only who has weights',
    left: 66,
    top: 460,
  },
  {
    figure: 'cancel',
    title: 'A waiter leaves',
    hint: 'from anywhere in the queue; only where one can leave alone',
    left: 556,
    top: 460,
  },
]

/** What an operation costs with room, and by how many wait: ours should be level. */
export function renderBudgetChart(run: BudgetRun): string {
  return renderSvg(WIDTH, HEIGHT, {
    title: [
      heading(
        14,
        10,
        18,
        'A byte semaphore beside those that count',
        'Nanoseconds of one operation, less is better; all axes are logarithmic',
      ),
      ...panels.map(({ left, top, title, hint }) => heading(left - 52, top - 62, 15, title, hint)),
      { left: 14, top: HEIGHT - 28, text: footer(run), textStyle: text(11, ink.faint) },
    ],
    grid: panels.map(({ left, top }) => ({ left, top, ...PANEL, outerBoundsMode: 'none' as const })),
    xAxis: panels.map((panel, gridIndex) =>
      panel.figure === 'awaited' ? names(run, gridIndex) : waiters(gridIndex),
    ),
    yAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'log' as const,
      min: 10,
      axisLabel: { ...text(11, ink.faint), formatter: duration },
      splitLine: { lineStyle: { color: ink.grid } },
    })),
    series: panels.flatMap(({ figure }, index): (echarts.BarSeriesOption | echarts.LineSeriesOption)[] =>
      figure === 'awaited' ? [bars(run, index)] : measured(run).map(name => line(run, name, figure, index)),
    ),
  })
}

function measured(run: BudgetRun): string[] {
  return contenders.map(({ name }) => name).filter(name => run.cells.some(cell => cell.contender === name))
}

function names(run: BudgetRun, gridIndex: number): echarts.XAXisComponentOption {
  return {
    gridIndex,
    type: 'category',
    data: measured(run),
    axisLabel: { ...text(11), interval: 0, formatter: inTwoLines },
    axisTick: { show: false },
    axisLine: { lineStyle: { color: ink.axis } },
  }
}

function waiters(gridIndex: number): echarts.XAXisComponentOption {
  return {
    gridIndex,
    type: 'log',
    min: 1,
    max: 1_000_000,
    name: 'waiters',
    nameLocation: 'middle',
    nameGap: 26,
    nameTextStyle: text(11, ink.faint),
    axisLabel: { ...text(11, ink.faint), formatter: short },
    splitLine: { show: false },
    axisLine: { lineStyle: { color: ink.axis } },
  }
}

function bars(run: BudgetRun, index: number): echarts.BarSeriesOption {
  return {
    type: 'bar',
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 34,
    data: measured(run).map(name => ({
      value: cellAt(run, name, 'awaited', 0)?.nanoseconds.median ?? '-',
      itemStyle: { color: looks[name]?.color ?? ink.text },
    })),
    label: { ...text(11), show: true, position: 'top', formatter: ({ value }) => duration(Number(value)) },
  }
}

function line(run: BudgetRun, name: string, figure: Figure, index: number): echarts.LineSeriesOption {
  const { color, symbol } = looks[name] ?? { color: ink.text, symbol: 'circle' }
  const cells = lengthsIn(run, figure).flatMap(length => cellAt(run, name, figure, length) ?? [])
  return {
    type: 'line',
    xAxisIndex: index,
    yAxisIndex: index,
    data: cells.map(({ waiters, nanoseconds }) => [waiters, nanoseconds.median]),
    symbol,
    symbolSize: 7,
    lineStyle: { color, width: name === OURS ? 3 : 1.5 },
    itemStyle: { color },
    endLabel: { ...text(12, color), show: true, fontWeight: 600, formatter: name, distance: 6 },
    labelLayout: { moveOverlap: 'shiftY' },
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: false },
      lineStyle: { color, width: 1.5, type: 'solid' },
      data: cells.map(({ waiters, nanoseconds: { lowest, highest } }) => [
        { coord: [waiters, lowest] },
        { coord: [waiters, highest] },
      ]),
    },
  }
}

/** A name beneath a bar that is narrower than it. */
function inTwoLines(name: string): string {
  return name.replace(/(?<=-)|(?<=[a-z])(?=[A-Z])/, '\n')
}

function duration(nanoseconds: number): string {
  if (nanoseconds >= 1e6) return `${short(nanoseconds / 1e6)} ms`
  return nanoseconds >= 1e3 ? `${short(nanoseconds / 1e3)} µs` : `${short(nanoseconds)} ns`
}

function short(value: number): string {
  const digits = Number(value.toPrecision(2))
  return digits >= 1_000_000 ? '1 M' : digits.toLocaleString('en-US')
}

function footer({ machine, processes, limitSeconds }: BudgetRun): string {
  return `${machineLine(machine)}. Median of ${processes} processes; a line ends where a round took more than ${limitSeconds} s.`
}
