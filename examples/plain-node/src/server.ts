import type { AddressInfo } from 'node:net'
import { buildApp } from './app.ts'
import { certificateOf } from './certificate.ts'
import { Notebook } from './notebook.ts'
import { createServer } from './protocol.ts'
import { resolveServerOptions } from './server-options.ts'
import { gracefully } from './shutdown.ts'

const options = resolveServerOptions(process.argv.slice(2))
const { protocol, port, host, dir, budget, maxBody, cert, key } = options

const { governor, listener } = buildApp(await Notebook.in(dir), budget, maxBody)
const server = await createServer(protocol, listener, () => certificateOf(cert, key))
governor.attach(server)

const stop = gracefully(server, governor)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)

server.listen(port, host, () => {
  // With port 0 the system has chosen one.
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
