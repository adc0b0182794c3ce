import { setMaxListeners } from 'node:events'
import http from 'node:http'
import { Content } from '../../flood/load/content.ts'
import { type Peer, upload } from '../../flood/load/exchange.ts'
import { emptyTally } from '../../flood/load/outcome.ts'
import { sendWave } from '../../flood/load/wave.ts'
import type { Wave } from '../../flood/scenarios.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import type { FloodTally } from './protocol.ts'

/** Fast and honest clients that upload as much as they can, on kept-alive connections. */
export class Flood {
  readonly tally = {
    tally: emptyTally(0),
    withRequests: [] as number[],
    withoutRequests: [] as number[],
  } satisfies FloodTally
  readonly #port: number
  readonly #wave: Wave
  readonly #stop: AbortSignal

  constructor(port: number, wave: Wave, stop: AbortSignal) {
    this.#port = port
    this.#wave = wave
    this.#stop = stop
  }

  /** For as long as `others` take. */
  async beside(others: (over: AbortController) => Promise<void>): Promise<void> {
    const over = new AbortController()
    const flood = this.#send({ ...this.#wave, requests: Number.POSITIVE_INFINITY }, over.signal)
    await others(over)
    over.abort()
    await flood
  }

  /** All of it with `others` beside it, then all of it alone, and so on: A B A B. */
  async inRounds(rounds: number, others: (over: AbortController) => Promise<void>): Promise<void> {
    for (let round = 0; round < rounds && !this.#stop.aborted; round++) {
      const over = new AbortController()
      setMaxListeners(0, over.signal)
      const besides = others(over)
      const beside = await this.#round()
      over.abort()
      await besides
      const alone = await this.#round()
      // A pair of which the server did not live to see the end compares nothing.
      if (beside === undefined || alone === undefined) return
      this.tally.withRequests.push(beside)
      this.tally.withoutRequests.push(alone)
    }
  }

  /** @returns MB/s; undefined where it was cut short */
  async #round(): Promise<number | undefined> {
    const before = this.tally.tally.requests
    const megabytesPerSecond = await this.#send(this.#wave)
    return this.tally.tally.requests - before === this.#wave.requests ? megabytesPerSecond : undefined
  }

  /** @returns MB/s of what was answered */
  async #send(wave: Wave, over?: AbortSignal): Promise<number> {
    const signal = over ? AbortSignal.any([over, this.#stop]) : this.#stop
    setMaxListeners(0, signal)
    const agent = new http.Agent({ keepAlive: true, maxSockets: wave.concurrency })
    const peer: Peer = { port: this.#port, agent, timeoutMs: 60_000, signal }
    const { tally } = this.tally
    const before = tally.bytes
    const started = performance.now()
    const one = async (index: number) => {
      const object = index % wave.objects
      const content = new Content(object, wave.bytes)
      // Counted as they come: a flood that goes on until others are done is asked for no number.
      tally.requests++
      return upload(peer, objectStoreRoutes.upload, `flooded-${object}`, content)
    }
    await sendWave(wave, tally, one, signal)
    agent.destroy()
    return (tally.bytes - before) / 1e3 / (performance.now() - started)
  }
}
