import type { AddressInfo } from 'node:net'
import { frameworkNamed, type Protocol } from './contenders.ts'
import type { InFront } from './in-front.ts'

/** The smallest server there is, with one contender in front: `server.ts <framework> <in front> <protocol>`. */
const [framework = '', inFront, protocol] = process.argv.slice(2)
const server = await frameworkNamed(framework).serve(inFront as InFront, protocol as Protocol)

process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit())
process.send?.({ port: (server.address() as AddressInfo).port })
