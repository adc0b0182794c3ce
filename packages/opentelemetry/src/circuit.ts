/** Probes are no more frequent than this, however often spans are to be sent. */
const LEAST_PROBE_MS = 1000

/**
 * What the last exports tell of the collector. It is closed while they succeed. A failure opens it: then single spans
 * are sent as probes, less often than one a schedule delay. Behind a probe that succeeds the batches grow again, by twice each.
 */
export class Circuit {
  readonly #most: number
  readonly #probeMs: number
  #batch: number
  #open = false

  constructor(most: number, scheduleDelayMs: number) {
    this.#most = this.#batch = most
    this.#probeMs = Math.max(LEAST_PROBE_MS, scheduleDelayMs)
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** How many spans the next export may have. */
  get batch(): number {
    return this.#batch
  }

  /** How long to wait for the next probe: with jitter, so that a fleet of servers does not ask all at once. */
  get probeInMs(): number {
    return Math.ceil(this.#probeMs * (1 - Math.random() / 2))
  }

  /** The collector has answered, whatever it thinks of the spans. */
  answered(): void {
    this.#open = false
    this.#batch = Math.min(this.#most, this.#batch * 2)
  }

  failed(): void {
    this.#open = true
    this.#batch = 1
  }

  /** It was too much at once. */
  tooLarge(): void {
    this.#open = false
    this.#batch = 1
  }
}
