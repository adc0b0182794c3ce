import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { contenders } from './contenders.ts'

/** The smallest server there is, with one contender in front: `server.ts <framework> <in front>`. */
const [framework, inFront] = process.argv.slice(2)
const contender = contenders.find(known => known.framework === framework && known.inFront === inFront)
if (!contender) throw new Error(`no contender ${framework} ${inFront}`)

const server = await contender.serve(contender.inFront)
if (!server.listening) await once(server, 'listening')

process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit())
process.send?.({ port: (server.address() as AddressInfo).port })
