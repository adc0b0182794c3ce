const LINE_EVERY_MS = process.stderr.isTTY ? 100 : 3_000

/** One line on stderr, rewritten in place on a terminal; elsewhere a plain line now and then. */
export class Progress {
  readonly #label: string
  readonly #requests: number
  readonly #limitBytes: number
  readonly #startedMs = performance.now()
  #writtenMs = performance.now()
  #answered = 0

  constructor(label: string, requests: number, limitBytes: number) {
    this.#label = label
    this.#requests = requests
    this.#limitBytes = limitBytes
    if (process.stderr.isTTY) this.#write('starting')
  }

  answered(count: number): void {
    this.#answered = count
  }

  memory(bytes: number): void {
    if (performance.now() - this.#writtenMs < LINE_EVERY_MS) return
    this.#writtenMs = performance.now()
    // Where they come for as long as something else takes, nobody knows of how many.
    const answered = `${this.#answered}${this.#requests > 0 ? `/${this.#requests}` : ''} answered`
    const memory = `${mebibytes(bytes)} of ${mebibytes(this.#limitBytes)} MiB`
    this.#write(`${answered}, ${memory}, ${this.#seconds} s`)
  }

  done(ended: string): void {
    this.#write(ended)
    if (process.stderr.isTTY) process.stderr.write('\n')
  }

  get #seconds(): string {
    return ((performance.now() - this.#startedMs) / 1000).toFixed(0)
  }

  #write(text: string): void {
    const line = `${this.#label}: ${text}`
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${line}` : `${line}\n`)
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}
