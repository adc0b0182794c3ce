import type { AddressInfo } from 'node:net'
import { buildApp } from './app.ts'
import { resolveServerOptions } from './server-options.ts'

const { port, host, ...options } = resolveServerOptions(process.argv.slice(2))
const app = await buildApp(options)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => app.close())
await app.listen({ port, host })
// With port 0 the system has chosen one.
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
