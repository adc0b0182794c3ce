import http from 'node:http'

const POLL_EVERY_MS = 250

/** Asks the server for the most frames it has had alive at once; of one that dies the last answer stands. */
export class LiveFrames {
  peak: number | undefined
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  readonly #port: number
  #timer: NodeJS.Timeout | undefined

  constructor(port: number) {
    this.#port = port
    this.#poll()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#agent.destroy()
  }

  #poll(): void {
    // The next only after this one: a flooded server answers late, and must not be asked twice at once.
    this.#timer = setTimeout(async () => {
      const seen = parsePeak(await this.#metrics())
      if (seen !== undefined) this.peak = seen
      if (this.#timer) this.#poll()
    }, POLL_EVERY_MS)
  }

  #metrics(): Promise<string> {
    return new Promise(resolve => {
      const request = http.get({ host: '127.0.0.1', port: this.#port, agent: this.#agent, path: '/metrics' })
      request.on('error', () => resolve(''))
      request.on('response', response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve(text)).on('error', () => resolve(''))
      })
    })
  }
}

/** @param metrics in the Prometheus text format */
export function parsePeak(metrics: string): number | undefined {
  const match = /^object_store_live_frames_peak(?:\{[^}]*\})?\s+(\S+)/m.exec(metrics)
  return match ? Number(match[1]) : undefined
}
