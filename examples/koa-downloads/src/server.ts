import type { AddressInfo } from 'node:net'
import { buildApp } from './app.ts'
import { resolveServerOptions } from './server-options.ts'

const { port, host, ...appOptions } = resolveServerOptions(process.argv.slice(2))
const { app, governor } = await buildApp(appOptions)

const server = app.listen(port, host, () => {
  // With port 0 the system has chosen one.
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    // Refuses those who wait, so that they try elsewhere.
    void governor?.close()
  })
}
