import type { Exchange, Route } from './framework.ts'
import { Kept } from './kept.ts'

/** The routes that every trial has, and what their handlers keep for the scenario to answer. */
export class Keeper {
  /** Requests that have reached a handler that keeps them, in order. */
  readonly kept: Kept[] = []
  #goesOn = true

  readonly routes: readonly Route[] = [
    { method: 'POST', path: '/next', handle: answerLength },
    { method: 'POST', path: '/length', handle: answerLength },
    { method: 'GET', path: '/keep', handle: exchange => this.keep(exchange) },
    { method: 'POST', path: '/keep', handle: exchange => this.keep(exchange) },
    { method: 'POST', path: '/unread', unread: true, handle: exchange => this.keepUnread(exchange) },
  ]

  /** A handler that reads the body, and answers when the scenario says so. */
  readonly keep = async (exchange: Exchange): Promise<unknown> =>
    this.#keep(new Kept(exchange, await exchange.body()))

  /** The same, but leaves the body unread. */
  readonly keepUnread = (exchange: Exchange): Promise<unknown> =>
    this.#keep(new Kept(exchange, Buffer.alloc(0)))

  /** Answers all that was kept, and from now on at once. */
  letGo(): void {
    this.#goesOn = false
    for (const kept of this.kept) kept.reply()
  }

  async #keep(kept: Kept): Promise<unknown> {
    this.kept.push(kept)
    if (!this.#goesOn) kept.reply()
    const go = await kept.outcome
    return go()
  }
}

/** Reads the body whole. */
async function answerLength(exchange: Exchange): Promise<unknown> {
  const { length } = await exchange.body()
  return exchange.reply({ body: String(length) })
}
