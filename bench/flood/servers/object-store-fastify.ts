import type { AddressInfo } from 'node:net'
import type { RoutePolicy } from '@plimsoll/core'
import { buildApp } from '../../../examples/object-store/src/app.ts'
import { idleEvents } from './event-stream.ts'
import { lookInside } from './inside.ts'
import { admitPlainly as admit, limits, options, storage } from './object-store.ts'

/** The example's own application, with what the other two servers beside this file have. */
const { governed, budget, bodyLimit } = options
const app = await buildApp({
  storage,
  masterKey: Buffer.alloc(32),
  governed,
  budget,
  limits,
  bodyLimit,
  logger: { level: 'warn', stream: process.stderr },
})

if (admit) {
  app.addHook('onRequest', async ({ raw, routeOptions }, reply) => {
    const { plimsoll: policy } = routeOptions.config as { plimsoll?: RoutePolicy | false }
    if (policy) await admit?.(raw, reply.raw, policy)
  })
}

app.get('/events', (_request, reply) => reply.type('text/event-stream').send(idleEvents()))

app.get('/inside', { config: { plimsoll: false } }, request =>
  lookInside(governed ? app.plimsoll.stats() : undefined, request.url.endsWith('?settled')),
)

await app.listen({ port: options.port, host: options.host })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
