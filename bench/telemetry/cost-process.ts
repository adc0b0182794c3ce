import { setImmediate as nextTurn } from 'node:timers/promises'
import { CollectorChild } from './collector-child.ts'
import { CONTENDERS, processorOf, TimedExporter, tracerOf } from './contenders.ts'
import { endMixedSpan } from './mixed-span.ts'
import type { CostReport } from './telemetry-result.ts'

/** What start, set and end of a span cost, and for how long an export holds the loop; both contenders in turns. */
const ROUNDS = Number(process.argv[2])
const SPANS = 5000
/** As many as end between two turns of the loop; no batch is sent within. */
const TURN = 100

const collector = await CollectorChild.start()
const sides = CONTENDERS.map(contender => {
  const exporter = new TimedExporter({ url: collector.url })
  const processor = processorOf(contender, exporter)
  return { contender, exporter, processor, tracer: tracerOf(processor), microseconds: [] as number[] }
})

for (let round = -2; round < ROUNDS; round++) {
  for (const { exporter, processor, tracer, microseconds } of round % 2 === 0 ? sides : sides.toReversed()) {
    let ms = 0
    for (let n = 0; n < SPANS; n += TURN) {
      const since = performance.now()
      for (let n = 0; n < TURN; n++) endMixedSpan(tracer)
      ms += performance.now() - since
      await nextTurn()
    }
    await processor.forceFlush()
    if (round >= 0) microseconds.push((ms * 1000) / SPANS)
    else exporter.longestMs = 0
  }
}
const report: CostReport[] = sides.map(({ contender, exporter, microseconds }) => ({
  contender,
  microseconds,
  longestExportMs: exporter.longestMs,
}))
process.send?.(report)
collector.kill()
setTimeout(() => process.exit(), 500).unref()
