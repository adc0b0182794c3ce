import type { MarkLineComponentOption } from 'echarts'
import { machineLine } from '../machine.ts'
import { ink, renderSvg, text } from '../picture.ts'
import type { AwayReport, TelemetryRun } from './telemetry-result.ts'

const WIDTH = 980
const HEIGHT = 420
const MiB = 2 ** 20

/** What each keeps in memory over time, and the bound. */
export function renderTelemetryChart({ away, machine, maxBytes }: TelemetryRun): string {
  return renderSvg(WIDTH, HEIGHT, {
    title: [
      {
        left: 14,
        top: 10,
        text: 'What spans keep in memory while the collector hangs, refuses, and is back',
        textStyle: { ...text(18), fontWeight: 600 },
        subtext: 'live bytes after a collection of garbage, above those before, in MiB',
        subtextStyle: text(12, ink.faint),
        itemGap: 4,
      },
      { left: 14, top: HEIGHT - 26, text: machineLine(machine), textStyle: text(11, ink.faint) },
    ],
    grid: { left: 60, top: 80, width: WIDTH - 120, height: HEIGHT - 160 },
    legend: { top: 56, right: 60, itemGap: 40, textStyle: text(12) },
    xAxis: {
      type: 'value',
      axisLabel: { ...text(11, ink.faint), formatter: (ms: number) => `${ms / 1000} s` },
      splitLine: { show: false },
    },
    yAxis: { type: 'value', axisLabel: text(11, ink.faint), splitLine: { lineStyle: { color: ink.grid } } },
    series: away.map((report, index) => {
      const { contender, samples } = report
      const color = contender === 'bounded' ? ink.governed : ink.peer
      return {
        type: 'line' as const,
        name: contender === 'bounded' ? 'BoundedSpanProcessor' : 'BatchSpanProcessor',
        showSymbol: false,
        itemStyle: { color },
        lineStyle: { color, width: 1.5 },
        data: samples.map(({ atMs, liveBytes }) => [atMs, liveBytes / MiB]),
        ...(index === 0 && { markLine: marks(report, maxBytes) }),
      }
    }),
  })
}

const PHASES = { hang: 'it hangs', unavailable: 'it refuses', answer: 'it is back' }

/** The bound, and where the collector changes its mind. */
function marks({ samples, phases }: AwayReport, maxBytes: number): MarkLineComponentOption {
  const changes = phases.map(({ phase }) => {
    const first = samples.find(sample => sample.phase === phase)
    return {
      xAxis: first?.atMs ?? 0,
      lineStyle: { type: 'dotted' as const },
      label: {
        ...text(11),
        formatter: PHASES[phase as keyof typeof PHASES],
        position: 'insideEndTop' as const,
      },
    }
  })
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: ink.text, type: 'dashed' },
    label: { ...text(11), formatter: 'the bound' },
    data: [{ yAxis: maxBytes / MiB }, ...changes],
  }
}
