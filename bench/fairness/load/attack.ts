import { setTimeout as sleep } from 'node:timers/promises'
import type { Attackers } from '../scenarios.ts'
import type { Attempt } from './attempt.ts'
import { slowReader } from './slow-reader.ts'
import { stallingSender } from './stalling-sender.ts'

/** What attackers met with. */
export interface AttackTally {
  connected: number
  /** How often a connection ended how; those that never did are in none. */
  readonly byEnding: Record<string, number>
}

/** No attacker comes back sooner, or all that were measured would be their connections. */
const LEAST_PAUSE_MS = 20
/** For what is on its way to arrive, and for the server to have begun with it. */
const SETTLE_MS = 2_000
const CONNECT_WITHIN_MS = 10_000

export class Attack {
  readonly tally: AttackTally = { connected: 0, byEnding: {} }
  readonly #sockets: number
  readonly #ended: Promise<void>[]

  constructor(port: number, attackers: Attackers, stop: AbortSignal) {
    const { sockets, backAfterMs } = attackers
    this.#sockets = sockets
    const attempt = { port, stop, connected: () => this.tally.connected++ }
    this.#ended = Array.from({ length: sockets }, async (_, index) => {
      while (!stop.aborted) {
        const ending = await stall(attempt, attackers, index)
        if (ending === 'stopped') return
        this.tally.byEnding[ending] = (this.tally.byEnding[ending] ?? 0) + 1
        await sleep(Math.max(LEAST_PAUSE_MS, backAfterMs), undefined, { signal: stop }).catch(() => {})
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
  return kind === 'reader'
    ? slowReader(attempt, '/objects/stored-0')
    : stallingSender(attempt, { path: `/objects/stalled-${index}`, declaredBytes: bytes, paidBytes })
}
