import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'

const CLIENTS = 16
const BODY = Buffer.alloc(8 * 1024 * 1024, 'flood')
/** Bounds: the flood ends by itself, whatever becomes of those it is there to hinder. */
const MOST_UPLOADS = 3000
const LONGEST_MS = 180_000

/** Clients that put 8 MiB again and again, where the server keeps it in memory: as fast as it takes them. */
export class Flood {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  readonly #until = performance.now() + LONGEST_MS
  readonly #clients: Promise<unknown>
  readonly #others: number[] = []
  #stored = 0
  #begun = 0
  #stopped = false

  /** @param url of the server */
  constructor(url: string) {
    this.#url = url
    this.#clients = Promise.all(Array.from({ length: CLIENTS }, () => this.#putAgainAndAgain()))
  }

  /** Whether it still goes on. */
  get high(): boolean {
    return !this.#stopped && this.#begun < MOST_UPLOADS && performance.now() < this.#until
  }

  /** @returns how many uploads were stored, and the statuses of those that were not */
  async stop(): Promise<{ stored: number; others: readonly number[] }> {
    this.#stopped = true
    await this.#clients
    this.#agent.destroy()
    return { stored: this.#stored, others: this.#others }
  }

  async #putAgainAndAgain(): Promise<void> {
    while (this.high) {
      this.#begun++
      const upload = request(`${this.#url}/objects/flood`, {
        method: 'PUT',
        agent: this.#agent,
        headers: { 'content-length': BODY.length },
      })
      upload.end(BODY)
      const [answer] = (await once(upload, 'response')) as [IncomingMessage]
      answer.resume()
      await once(answer, 'end')
      const status = answer.statusCode as number
      if (status === 200 || status === 201) this.#stored++
      else this.#others.push(status)
    }
  }
}
