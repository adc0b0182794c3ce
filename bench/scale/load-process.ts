import { closedLoop } from './closed-loop.ts'
import { type Arrival, type OpenLoop, openLoop } from './open-loop.ts'

/** What the clients, a process of their own, are told as JSON. */
export type Load =
  | { readonly kind: 'closed'; readonly port: number; readonly clients: number; readonly seconds: number }
  | ({ readonly kind: 'open' } & OpenLoop)

export type LoadReport = { readonly perSecond: number } | { readonly arrivals: readonly Arrival[] }

const load = JSON.parse(process.argv[2] ?? '') as Load
const WARM = { clients: 2, seconds: 1 }
await closedLoop(load.port, WARM.clients, WARM.seconds)
const report: LoadReport =
  load.kind === 'closed'
    ? { perSecond: await closedLoop(load.port, load.clients, load.seconds) }
    : { arrivals: await openLoop(load) }
process.send?.(report, () => process.exit())
