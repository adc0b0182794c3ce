import { setTimeout as sleep } from 'node:timers/promises'
import { abortAfter } from '../../abort-after.ts'
import type { Peer } from '../../flood/load/exchange.ts'
import { count, type Outcome, type Tally } from '../../flood/load/outcome.ts'
import { sendWave } from '../../flood/load/wave.ts'
import { isRefusal } from '../refusal.ts'
import type { Sends } from '../rows.ts'
import { peerAt } from './peer.ts'
import { send } from './send.ts'

/** As the least that a `Retry-After` may say. Some say more; here all come sooner. */
const BACK_AFTER_MS = 1_000
/** Each client comes from an address of its own, as real ones do, none of them an attacker's. */
const CLIENTS_A_NETWORK = 250
/** How many there have been. */
let clients = 0

/**
 * Sends them, each client one after another. Who reads a refusal comes again, until its request is answered, or the load
 * is over: who refuses most would be done first. What was reset is not sent again: nobody knows what became of it.
 */
export async function sendAll(port: number, sends: Sends, tally: Tally, stop: AbortSignal): Promise<void> {
  const { kind, bytes, objects, concurrency, forMs } = sends
  // What goes on for a time, or beside others, has no number.
  const requests = forMs === undefined && !sends.beside ? sends.requests : Number.POSITIVE_INFINITY
  const isKnown = Number.isFinite(requests)
  const peer = peerAt(port, stop)
  const idle = Array.from({ length: concurrency }, () => addressOf(clients++))
  const ends = abortAfter(stop, forMs)
  const late = ends.signal
  if (isKnown) tally.requests += requests
  const one = async (index: number): Promise<Outcome> => {
    if (!isKnown) tally.requests++
    const address = idle.pop() as string
    const outcome = await sendUntilAnswered({ ...peer, address }, index % objects)
    idle.push(address)
    return outcome
  }
  const sendUntilAnswered = async (from: Peer, object: number): Promise<Outcome> => {
    for (;;) {
      const outcome = await send(from, kind, object, bytes)
      if (late.aborted || !isRefusal(outcome.status)) return outcome
      count(tally, outcome)
      await sleep(BACK_AFTER_MS, undefined, { signal: late }).catch(() => {})
      if (late.aborted) return { ...outcome, status: 'not sent again' }
    }
  }
  await sendWave({ ...sends, requests }, tally, one, late)
  ends.abort()
  peer.agent.destroy()
}

function addressOf(client: number): string {
  return `127.0.${1 + Math.floor(client / CLIENTS_A_NETWORK)}.${1 + (client % CLIENTS_A_NETWORK)}`
}
