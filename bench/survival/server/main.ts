import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { protectionNamed, protections } from './protections.ts'
import { BODY_LIMIT, declareRoutes } from './routes.ts'

/** One server for all rows, behind what `--protection` says. */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    protection: { type: 'string', default: 'nothing' },
    upstream: { type: 'string', default: '' },
  },
})

const app = Fastify({ bodyLimit: BODY_LIMIT, routerOptions: { maxParamLength: 1024 } })
// Asked by the bench, once the load is over: whether this lives. Nobody's protection is in front of it.
app.get('/health', () => ({ status: 'ok' }))
await app.register(async app => {
  await protections[protectionNamed(values.protection)](app)
  await declareRoutes(app, values.upstream)
})

// As HAProxy's: with Node's 511 a crowd is turned away by the kernel, and asks again after seconds.
await app.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 10_000 })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
