import { setTimeout as sleep } from 'node:timers/promises'
import { count, type Outcome, type Tally } from '../../flood/load/outcome.ts'
import { sendWave } from '../../flood/load/wave.ts'
import { isRefusal } from '../refusal.ts'
import type { Sends } from '../rows.ts'
import { abortAfter } from '../../abort-after.ts'
import { peerAt } from './peer.ts'
import { send } from './send.ts'

/** As the least that a `Retry-After` may say. Some say more; here all come sooner. */
const BACK_AFTER_MS = 1_000
/** An address has some 28,000 ports, and those of closed connections rest. */
const CLIENTS_AN_ADDRESS = 500

/**
 * Sends them, each client one after another. Who reads a refusal comes again, until its request is answered, or the load
 * is over: who refuses most would be done first. What was reset is not sent again: nobody knows what became of it.
 */
export async function sendAll(port: number, sends: Sends, tally: Tally, stop: AbortSignal): Promise<void> {
  const { kind, bytes, objects, concurrency, forMs } = sends
  // What goes on for a time, or beside others, has no number.
  const requests = forMs === undefined && !sends.beside ? sends.requests : Number.POSITIVE_INFINITY
  const isKnown = Number.isFinite(requests)
  const peers = Array.from({ length: Math.ceil(concurrency / CLIENTS_AN_ADDRESS) }, (_, index) => ({
    ...peerAt(port, Math.min(concurrency, CLIENTS_AN_ADDRESS), stop),
    address: `127.0.1.${index + 1}`,
  }))
  const ends = abortAfter(stop, forMs)
  const late = ends.signal
  if (isKnown) tally.requests += requests
  const one = async (index: number): Promise<Outcome> => {
    if (!isKnown) tally.requests++
    const peer = peers[index % peers.length] as (typeof peers)[number]
    for (;;) {
      const outcome = await send(peer, kind, index % objects, bytes)
      if (late.aborted || !isRefusal(outcome.status)) return outcome
      count(tally, outcome)
      await sleep(BACK_AFTER_MS, undefined, { signal: late }).catch(() => {})
      if (late.aborted) return { ...outcome, status: 'not sent again' }
    }
  }
  await sendWave({ ...sends, requests }, tally, one, late)
  ends.abort()
  for (const { agent } of peers) agent.destroy()
}
