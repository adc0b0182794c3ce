import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { contenders } from './contenders.ts'

/** The smallest server there is, with one contender in front: `server.ts <contender>`. */
const install = contenders[process.argv[2] ?? '']
if (!install) throw new Error(`no contender ${process.argv[2]}`)

const app = Fastify()
await install(app)
app.get('/', async () => ({ hello: 'world' }))
app.post('/', async request => ({ read: Object.keys(request.body as object).length }))
await app.listen({ port: 0, host: '127.0.0.1' })

process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit())
process.send?.({ port: (app.server.address() as AddressInfo).port })
