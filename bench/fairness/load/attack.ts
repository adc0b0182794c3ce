import { setTimeout as sleep } from 'node:timers/promises'
import type { Attackers } from '../scenarios.ts'
import { type Attempt, attackerAddress } from './attempt.ts'
import { halfHead } from './half-head.ts'
import { slowReader } from './slow-reader.ts'
import { stallingSender } from './stalling-sender.ts'

/** What attackers met with. */
export interface AttackTally {
  /** Connections made. */
  connected: number
  /** How often a connection ended how; those that never did are in none. */
  readonly byEnding: Record<string, number>
}

/** Which of the attackers: their numbers, from `from` to before `to`. */
export interface Part {
  readonly from: number
  readonly to: number
}

/** No attacker comes back sooner, or all that were measured would be their connections. */
const LEAST_PAUSE_MS = 20
/** For what is on its way to arrive, and for the server to have begun with it. */
const SETTLE_MS = 2_000
/** Where thousands come at once the kernel turns some away, who ask again after 1, 3 and 7 s. */
const CONNECT_WITHIN_MS = 15_000

export class Attack {
  readonly tally: AttackTally = { connected: 0, byEnding: {} }
  readonly #sockets: number
  readonly #ended: Promise<void>[]

  /** @param part Default: all of them. */
  constructor(
    port: number,
    attackers: Attackers,
    stop: AbortSignal,
    { from, to }: Part = { from: 0, to: attackers.sockets },
  ) {
    this.#sockets = to - from
    const connected = () => this.tally.connected++
    this.#ended = Array.from({ length: this.#sockets }, async (_, offset) => {
      const index = from + offset
      const attempt = { port, address: attackerAddress(index), stop, connected }
      while (!stop.aborted) {
        const ending = await stall(attempt, attackers, index)
        if (ending === 'stopped') return
        this.tally.byEnding[ending] = (this.tally.byEnding[ending] ?? 0) + 1
        await sleep(Math.max(LEAST_PAUSE_MS, attackers.backAfterMs), undefined, { signal: stop }).catch(
          () => {},
        )
      }
    })
  }

  /** All are connected, and hold what they are given or queue for it. */
  async established(): Promise<void> {
    const since = performance.now()
    while (this.tally.connected < this.#sockets && performance.now() - since < CONNECT_WITHIN_MS)
      await sleep(50)
    await sleep(SETTLE_MS)
  }

  async ended(): Promise<void> {
    await Promise.all(this.#ended)
  }
}

function stall(attempt: Attempt, { kind, bytes, paidBytes = 0 }: Attackers, index: number): Promise<string> {
  if (kind === 'reader') return slowReader(attempt, '/objects/stored-0')
  const path = `/objects/stalled-${index}`
  if (kind === 'half-head') return halfHead(attempt, path)
  return stallingSender(attempt, { path, declaredBytes: bytes, paidBytes })
}
