import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  type AdapterOptions,
  ByteBudget,
  type Governor,
  type GovernorStats,
  type PlimsollErrorCode,
  type RefusedMessage,
} from '@plimsoll/core'
import { BareClient } from './bare-client.ts'
import { type Call, type CallHead, isWhole } from './call.ts'
import type { Exchange, Framework, Route, Running } from './framework.ts'
import { type Gate, gate } from './gate.ts'
import { Http1Call } from './http1-call.ts'
import { Http2Call } from './http2-call.ts'
import { Kept } from './kept.ts'
import { RefusingBudget } from './refusing-budget.ts'
import type { Scenario, ScenarioOptions } from './scenario.ts'
import { until as plainUntil, type Until } from './until.ts'

const silent = { info() {}, warn() {}, error() {} }

type Begin = Omit<CallHead, 'method' | 'path'> & { readonly at?: Running }

/** One scenario on one server: the server, its clients, and what the scenario waits for. */
export class Trial {
  readonly framework: Framework
  readonly options: AdapterOptions
  readonly budget: ByteBudget
  /** Requests that have reached a handler that keeps them, in order. */
  readonly kept: Kept[] = []
  /** The server's ends of connections whose last request was for `/next`. */
  readonly idle = new Set<Socket>()
  readonly clients: (BareClient | Call)[] = []
  /** Clients, by their ports, that were refused for want of room. */
  readonly refused: number[] = []
  readonly #beside: Running[] = []
  readonly #letGo: (() => void)[] = []
  #running!: Running
  #goesOn = true
  #refusedBefore = 0
  #statsBefore: GovernorStats | undefined

  private constructor(framework: Framework, options: ScenarioOptions, refuses: (() => boolean) | undefined) {
    const { budget = '1MiB', queue, ...policy } = options
    const sizes = { capacity: budget, ...(queue && { queue }) }
    this.framework = framework
    this.budget = refuses ? new RefusingBudget(sizes, refuses) : new ByteBudget(sizes)
    this.options = { budget: this.budget, logger: silent, ...policy }
  }

  /** @param refuses has the budget refuse at random */
  static async start(
    framework: Framework,
    { options = {}, routes }: Scenario,
    refuses?: () => boolean,
  ): Promise<Trial> {
    const trial = new Trial(framework, options, refuses)
    trial.#running = await trial.#serve(framework, trial.options, routes?.(trial) ?? [])
    if (refuses !== undefined) subscribe('plimsoll:refused', trial.#onRefused)
    return trial
  }

  get running(): Running {
    return this.#running
  }

  get governor(): Governor {
    return this.#running.governor
  }

  /** How many the budget has refused though there was room. */
  get refusedAtRandom(): number {
    return this.budget instanceof RefusingBudget ? this.budget.refusals : 0
  }

  /** From here on it is the scenario's. */
  begin(): void {
    this.#refusedBefore = this.refusedAtRandom
    this.#statsBefore = this.governor.stats()
  }

  /** Refusals since the scenario has begun, by their codes. */
  get refusals(): GovernorStats['refused'] {
    const before = this.#statsBefore?.refused ?? {}
    const since = Object.entries(this.governor.stats().refused)
      .map(([code, count]) => [code, count - (before[code as PlimsollErrorCode] ?? 0)] as const)
      .filter(([, count]) => count > 0)
    return Object.fromEntries(since)
  }

  /** Whether the scenario can't go on, since somebody was refused at random. */
  get brokenOff(): boolean {
    return this.refusedAtRandom > this.#refusedBefore
  }

  /** Starts another server with the same routes. */
  async beside(framework: Framework, options: AdapterOptions): Promise<Running> {
    const running = await this.#serve(framework, options, [])
    this.#beside.push(running)
    return running
  }

  async #serve(framework: Framework, options: AdapterOptions, routes: readonly Route[]): Promise<Running> {
    const running = await framework.serve({ options, routes: [...this.#routes(), ...routes] })
    // That an idle connection was closed for its age must not be taken for a fault.
    running.server.keepAliveTimeout = 60_000
    // On HTTP/2 requests come and go without leaving anything on a socket.
    if (framework.protocol === 'http2') return running
    running.server.prependListener('request', (req: IncomingMessage) => {
      if (req.url === '/next') this.idle.add(req.socket)
      else this.idle.delete(req.socket)
    })
    return running
  }

  #routes(): Route[] {
    return [
      { method: 'POST', path: '/next', handle: answerLength },
      { method: 'POST', path: '/length', handle: answerLength },
      { method: 'GET', path: '/keep', handle: this.keep },
      { method: 'POST', path: '/keep', handle: this.keep },
      { method: 'POST', path: '/unread', unread: true, handle: this.keepUnread },
    ]
  }

  /** A handler that reads the body, and answers when the scenario says so. */
  readonly keep = async (exchange: Exchange): Promise<unknown> =>
    this.#keep(new Kept(exchange, await exchange.body()))

  /** The same, but leaves the body unread. */
  readonly keepUnread = (exchange: Exchange): Promise<unknown> =>
    this.#keep(new Kept(exchange, Buffer.alloc(0)))

  async #keep(kept: Kept): Promise<unknown> {
    this.kept.push(kept)
    if (!this.#goesOn) kept.reply()
    const go = await kept.outcome
    return go()
  }

  /** A client that writes what it likes. HTTP/1 alone. */
  async connect(at = this.#running): Promise<BareClient> {
    const client = await BareClient.to(at.port, { secure: this.#isSecure, until: this.until })
    this.clients.push(client)
    return client
  }

  get #isSecure(): boolean {
    return this.framework.protocol === 'https'
  }

  /** Begins a request on a connection of its own. One without a body is whole. */
  open(method: string, path: string, { at = this.#running, ...rest }: Begin = {}): Call {
    const head = { method, path, ...rest }
    const call =
      this.framework.protocol === 'http2'
        ? new Http2Call(at.port, head, this.until)
        : new Http1Call(at.port, this.#isSecure, head, this.until)
    this.clients.push(call)
    if (isWhole(head)) call.end()
    return call
  }

  /** A whole request, and its whole answer. */
  async send(method: string, path: string, body = '', begin: Begin = {}): Promise<Call> {
    const call = this.open(method, path, { length: body.length, ...begin })
    if (body !== '') call.end(body)
    await call.answer()
    return call
  }

  /** Takes bytes that others then have to wait for. Default: all that are free. */
  occupy(bytes = this.budget.available): { free(): void } {
    const reservation = this.budget.charge(bytes)
    const free = (): void => reservation.release()
    this.#letGo.push(free)
    return { free }
  }

  /** A promise for handlers to wait for. */
  gate(): Gate {
    const made = gate()
    if (this.#goesOn) this.#letGo.push(made.open)
    else made.open()
    return made
  }

  /** Waits; where somebody was refused at random, in vain. */
  readonly until: Until = (condition, what) =>
    plainUntil(() => {
      if (this.#goesOn && this.brokenOff) throw new Error('refused at random')
      return condition()
    }, what)

  /** Waits for the nth request, from 1, to reach a handler that keeps it. */
  async handled(nth: number): Promise<Kept> {
    await this.until(
      () => this.kept.length >= nth,
      () => `${nth} requests in the handler, there are ${this.kept.map(({ path }) => path)}`,
    )
    return this.kept[nth - 1] as Kept
  }

  /** Waits until as many wait. */
  async queued(count: number): Promise<void> {
    await this.until(
      () => this.governor.stats().waiting === count,
      () => `${count} waiting, there are ${this.governor.stats().waiting}`,
    )
  }

  /** Waits until as many bytes are reserved, and so many of them have arrived. */
  async holds(reserved: number, paidIn?: number): Promise<void> {
    const { budget } = this
    await this.until(
      () => budget.reserved === reserved && (paidIn === undefined || budget.paidIn === paidIn),
      () => `${reserved} reserved, ${paidIn} arrived: there are ${budget.reserved} and ${budget.paidIn}`,
    )
  }

  /** Lets everything go that the scenario has held up. */
  letGo(): void {
    this.#goesOn = false
    for (const go of this.#letGo) go()
    for (const kept of this.kept) kept.reply()
  }

  leave(): void {
    for (const client of this.clients) client.leave()
  }

  async stop(): Promise<void> {
    unsubscribe('plimsoll:refused', this.#onRefused)
    this.letGo()
    this.leave()
    for (const running of [...this.#beside, this.#running]) await running.stop()
    // Closed already, unless the scenario has failed: then no timer of its log is to be the fault of the next. Not
    // awaited, since it would wait for what hangs.
    this.governor.close({ timeoutMs: 0 }).catch(() => {})
  }

  readonly #onRefused = (message: unknown): void => {
    const { request, error } = message as RefusedMessage
    const { remotePort } = request.socket ?? {}
    if (error.code === 'ERR_PLIMSOLL_QUEUE_FULL' && remotePort !== undefined) this.refused.push(remotePort)
  }
}

/** Reads the body whole. */
async function answerLength(exchange: Exchange): Promise<unknown> {
  const { length } = await exchange.body()
  return exchange.reply({ body: String(length) })
}
