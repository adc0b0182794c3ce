import { setTimeout as sleep } from 'node:timers/promises'
import type { CollectorMode } from '../../examples/telemetry/src/collector.ts'
import { CollectorChild } from './collector-child.ts'
import { CONTENDERS, type Contender, processorOf, TimedExporter, tracerOf } from './contenders.ts'
import { endMixedSpan } from './mixed-span.ts'
import type { AwayReport, AwaySample, PhaseReport } from './telemetry-result.ts'

/** What a process keeps while its collector hangs, refuses, and is back: `away-process.ts <contender> <spans> <seconds a phase>`. */
const [name, spans, seconds] = process.argv.slice(2)
const contender = CONTENDERS.find(each => each === name) as Contender
const phases: readonly CollectorMode[] = ['hang', 'unavailable', 'answer']
const perPhase = Math.ceil(Number(spans) / phases.length)
const TICK_MS = 10

const collector = await CollectorChild.start()
const exporter = new TimedExporter({ url: collector.url })
const processor = processorOf(contender, exporter)
const tracer = tracerOf(processor)

/** Live bytes: what a collection leaves. */
function liveBytes(): number {
  // What is freed by one is no longer counted as external memory after the next.
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const since = Date.now()
const samples: AwaySample[] = []
let made = 0
let wrong = 0
let looks = 0

function check(): number {
  if (!('stats' in processor)) return 0
  const stats = processor.stats()
  looks++
  if (stats.made !== stats.sent + stats.dropped + stats.kept || stats.made !== made) wrong++
  return stats.bytes
}

// What all of it compiles to is no telemetry's.
await collector.ask('answer')
for (let n = 0; n < 2000; n++) endMixedSpan(tracer)
made += 2000
await processor.forceFlush()
// Code and caches that are thrown away later would hide as much of what is kept.
for (let n = 0; n < 10; n++) {
  liveBytes()
  await sleep(100)
}
const before = liveBytes()

exporter.longestMs = 0
const reports: PhaseReport[] = []
for (const phase of phases) {
  await collector.ask(phase)
  const startedAt = Date.now()
  let ended = 0
  let sampledAt = 0
  let peak = 0
  let peakKept = 0
  while (Date.now() - startedAt < Number(seconds) * 1000 || ended < perPhase) {
    const due = Math.min(
      perPhase,
      Math.ceil((perPhase * (Date.now() - startedAt)) / (Number(seconds) * 1000)),
    )
    // No more at once than a busy server ends in a turn.
    for (let n = 0; n < 500 && ended < due; n++, ended++) {
      endMixedSpan(tracer)
      made++
      peakKept = Math.max(peakKept, check())
    }
    await sleep(TICK_MS)
    if (Date.now() - sampledAt < 500) continue
    sampledAt = Date.now()
    const live = liveBytes() - before
    peak = Math.max(peak, live)
    samples.push({ atMs: sampledAt - since, phase, liveBytes: live, keptBytes: check() })
  }
  const { firstAt } = await collector.ask('state')
  const firstAfterMs = firstAt === undefined ? undefined : firstAt - startedAt
  reports.push({
    phase,
    ended,
    peakLiveBytes: peak,
    peakKeptBytes: peakKept,
    ...(firstAfterMs !== undefined && { firstAfterMs }),
  })
}
await processor.forceFlush().catch(() => {})
check()
const { spans: received } = await collector.ask('state')
const report: AwayReport = {
  contender,
  made,
  ...('stats' in processor && { stats: processor.stats() }),
  received,
  wrong,
  looks,
  longestExportMs: exporter.longestMs,
  phases: reports,
  samples,
}
process.send?.(report)
collector.kill()
process.exitCode = 0
setTimeout(() => process.exit(), 500).unref()
