import { warn } from './warn.ts'

/** What has become of spans, and who is told that some were dropped: once as it begins, and how many when it is over. */
export class SpanAccount {
  made = 0
  sent = 0
  dropped = 0
  #untold = 0

  send(spans: number): void {
    this.sent += spans
    const untold = this.#untold
    this.#untold = 0
    if (untold > 0) warn(`plimsoll: ${untold} spans were dropped`)
  }

  drop(spans: number): void {
    this.dropped += spans
    const isFirst = this.#untold === 0
    // Before it is told: a logger may end spans of its own.
    this.#untold += spans
    if (isFirst) warn('plimsoll: spans are dropped')
  }
}
