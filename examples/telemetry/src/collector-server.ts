import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { COLLECTOR_MODES, Collector, type CollectorMode } from './collector.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '4318' } } })
const collector = await Collector.start(Number(values.port))
console.log(JSON.stringify({ listening: Number(new URL(collector.url).port), modes: COLLECTOR_MODES }))

// A line on standard input is what it does from then on.
createInterface(process.stdin).on('line', line => {
  const mode = line.trim() as CollectorMode
  if (COLLECTOR_MODES.includes(mode)) {
    collector.mode = mode
    // As a restart does.
    if (mode === 'answer') collector.cutAll()
  }
  console.log(JSON.stringify({ mode: collector.mode, spans: collector.spans, exports: collector.exports }))
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit())
