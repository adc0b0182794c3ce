import { Collector, type CollectorMode } from '../../examples/telemetry/src/collector.ts'

/** A collector in a process of its own. Sends its URL, then does as it is told, and says so. */
const collector = await Collector.start()
let firstAt: number | undefined
collector.onSpans = () => {
  firstAt ??= Date.now()
}
process.on('message', (asked: CollectorMode | 'state') => {
  if (asked !== 'state') {
    collector.mode = asked
    firstAt = undefined
    // As a restart does.
    if (asked === 'answer') collector.cutAll()
  }
  process.send?.({ spans: collector.spans, firstAt })
})
process.on('disconnect', () => process.exit())
process.send?.({ url: collector.url })
