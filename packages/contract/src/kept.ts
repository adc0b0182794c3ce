import type { RequestReservation } from '@plimsoll/core'
import type { Answer, Exchange } from './framework.ts'

/** A request whose handler answers when the scenario says so. */
export class Kept {
  readonly exchange: Exchange
  /** What it has read of the body. */
  readonly body: Buffer
  /** Of the handler. */
  readonly outcome: Promise<() => unknown>
  #settle!: (outcome: () => unknown) => void

  constructor(exchange: Exchange, body: Buffer) {
    this.exchange = exchange
    this.body = body
    this.outcome = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  get path(): string {
    return this.exchange.req.url as string
  }

  get reservation(): RequestReservation {
    return this.exchange.reservation
  }

  reply(answer: Answer = {}): void {
    this.#settle(() => this.exchange.reply({ body: 'kept', ...answer }))
  }

  /** Has the handler go on by itself, and fail where it fails. */
  does(work: () => unknown): void {
    this.#settle(work)
  }
}
