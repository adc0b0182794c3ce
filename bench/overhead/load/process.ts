import type { Protocol } from '../contenders.ts'
import { routeNamed } from '../routes.ts'
import { loadHttp1 } from './http1.ts'
import { loadHttp2 } from './http2.ts'

/** Sends one kind of request for a while, and again for each message: `process.ts <port> <route> <protocol>`. */
const [port, routeName = '', protocol] = process.argv.slice(2)
const route = routeNamed(routeName)
const load = (protocol as Protocol) === 'HTTP/2' ? loadHttp2 : loadHttp1
const AT_ONCE = 64

export interface LoadReport {
  readonly requests: number
  readonly seconds: number
}

process.on('message', async ({ seconds }: { seconds: number }) => {
  process.send?.((await load(Number(port), route, AT_ONCE, seconds)) satisfies LoadReport)
})
process.on('disconnect', () => process.exit())
