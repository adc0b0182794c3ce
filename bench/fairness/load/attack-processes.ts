import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Attackers } from '../scenarios.ts'
import type { AttackTally, Part } from './attack.ts'

/** No process may have any number of files open: 20,000 are a common bound. */
export const SOCKETS_A_PROCESS = 5_000

/** What a process of attackers is told, and then only to stop. */
export interface AttackOrder {
  readonly port: number
  readonly attackers: Attackers
  readonly part: Part
}

/** And what it tells: that all its attackers have come, then, once they have gone, what they met with. */
export type AttackNews = 'established' | AttackTally

/** An attack that is too large for one process. */
export class AttackProcesses {
  readonly tally: AttackTally = { connected: 0, byEnding: {} }
  readonly #parts: readonly AttackProcess[]

  constructor(port: number, attackers: Attackers, stop: AbortSignal, each = SOCKETS_A_PROCESS) {
    const { sockets } = attackers
    this.#parts = Array.from({ length: Math.ceil(sockets / each) }, (_, index) => {
      const part = { from: index * each, to: Math.min(sockets, (index + 1) * each) }
      return new AttackProcess({ port, attackers, part }, stop)
    })
  }

  /** @throws where one of the processes has died */
  async established(): Promise<void> {
    await Promise.all(this.#parts.map(({ established }) => established))
  }

  /** @throws likewise */
  async ended(): Promise<void> {
    for (const { connected, byEnding } of await Promise.all(this.#parts.map(({ ended }) => ended))) {
      this.tally.connected += connected
      for (const [ending, count] of Object.entries(byEnding))
        this.tally.byEnding[ending] = (this.tally.byEnding[ending] ?? 0) + count
    }
  }
}

class AttackProcess {
  readonly established: Promise<void>
  readonly ended: Promise<AttackTally>

  constructor(order: AttackOrder, stop: AbortSignal) {
    const child = fork(fileURLToPath(new URL('./attack-process.ts', import.meta.url)), {
      execArgv: ['--import', import.meta.resolve('tsx')],
    })
    this.established = news(child, told => (told === 'established' ? true : undefined)).then(() => {})
    this.ended = news(child, told => (told === 'established' ? undefined : told))
    // Nobody waits for them yet.
    this.established.catch(() => {})
    this.ended.catch(() => {})
    child.send(order)
    const tellToStop = () => child.connected && child.send('stop')
    if (stop.aborted) tellToStop()
    else stop.addEventListener('abort', tellToStop)
  }
}

/** The first news of a kind. */
function news<T>(child: ChildProcess, kind: (told: AttackNews) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    child.on('message', (told: AttackNews) => {
      const found = kind(told)
      if (found !== undefined) resolve(found)
    })
    child.on('exit', code => reject(new Error(`a process of attackers has died, exit ${code}`)))
  })
}
