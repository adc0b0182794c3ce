import type { AddressInfo } from 'node:net'
import { resolveServerOptions } from './server-options.ts'
import { startTracing } from './tracing.ts'

const { port, host, budget, collector } = resolveServerOptions(process.argv.slice(2))
const telemetry = startTracing(collector)
// Loaded after it, so that what they load is instrumented.
const { buildApp } = await import('./app.ts')
const app = await buildApp(telemetry, { budget })
await app.listen({ port, host })
// With port 0 the system has chosen one.
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await app.close()
    // Last: the spans of the last requests have ended by now.
    await telemetry.shutdown()
    // An answer of the collector that trickles would keep the process alive for as long.
    process.exit()
  })
}
