import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { abortAfter } from '../../abort-after.ts'
import { Content } from '../../flood/load/content.ts'
import { download, type Peer, upload } from '../../flood/load/exchange.ts'
import { count, type Outcome, type Tally } from '../../flood/load/outcome.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import type { Honest } from '../scenarios.ts'
import { honestAddress } from './attempt.ts'
import { followEvents } from './event-client.ts'
import { paced } from './paced.ts'

/** Nobody waits longer for an answer. */
const TIMEOUT_MS = 60_000
/** Few objects, so that no disk fills up. */
const OBJECTS = 16

export interface Ends {
  /** Nothing more is sent, and what is under way comes to nothing. */
  readonly stop: AbortSignal
  /** All that is measured is over: streams may go, and nobody new comes. */
  readonly over: AbortSignal
}

/** Sends requests of one kind at their times, whatever becomes of those before. */
export async function sendHonest(port: number, honest: Honest, tally: Tally, ends: Ends): Promise<void> {
  const { requests = Number.POSITIVE_INFINITY, startMs, everyMs } = honest
  const started = performance.now() + startMs
  const underWay: Promise<void>[] = []
  const either = AbortSignal.any([ends.stop, ends.over])
  for (let index = 0; index < requests && !either.aborted; index++) {
    const wait = started + index * everyMs - performance.now()
    if (wait > 0) await sleep(wait, undefined, { signal: either }).catch(() => {})
    if (either.aborted) break
    if (honest.requests === undefined) tally.requests++
    underWay.push(sendOne(port, honest, index, ends).then(outcome => count(tally, outcome)))
  }
  await Promise.all(underWay)
}

async function sendOne(port: number, honest: Honest, index: number, ends: Ends): Promise<Outcome> {
  if (honest.kind === 'events') return followEvents(port, AbortSignal.any([ends.over, ends.stop]))
  const late = abortAfter(ends.stop, TIMEOUT_MS)
  // A connection each, so that connecting is in what is measured.
  const agent = new http.Agent({ keepAlive: false })
  const address = honest.addresses === undefined ? {} : { address: honestAddress(index % honest.addresses) }
  const peer: Peer = { port, agent, ...address, timeoutMs: TIMEOUT_MS, signal: late.signal }
  const outcome = await exchange(peer, honest, index % OBJECTS)
  late.abort()
  agent.destroy()
  if (outcome.status !== 'ABORT_ERR') return outcome
  return { ...outcome, status: ends.stop.aborted ? 'stopped' : `no answer in ${TIMEOUT_MS / 1_000} s` }
}

function exchange(peer: Peer, { kind, bytes, bytesPerSecond }: Honest, object: number): Promise<Outcome> {
  if (kind === 'download') return download(peer, '/objects/stored-0', new Content(0, bytes))
  const pace = bytesPerSecond === undefined ? undefined : paced(bytesPerSecond)
  const key = `honest-${bytes}-${object}`
  return upload(peer, objectStoreRoutes.upload, key, new Content(object, bytes), pace)
}
