import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  type AdapterOptions,
  ByteBudget,
  type Governor,
  type GovernorStats,
  type PlimsollErrorCode,
} from '@plimsoll/core'
import { BareClient } from './bare-client.ts'
import { type Call, type CallHead, isWhole } from './call.ts'
import type { Framework, Route, Running } from './framework.ts'
import { type Gate, gate } from './gate.ts'
import { Http1Call } from './http1-call.ts'
import { Http2Call } from './http2-call.ts'
import { Keeper } from './keeper.ts'
import type { Kept } from './kept.ts'
import { RefusedClients } from './refused-clients.ts'
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
  /** The server's ends of connections whose last request was for `/next`. */
  readonly idle = new Set<Socket>()
  readonly clients: (BareClient | Call)[] = []
  readonly refused = new RefusedClients()
  readonly #keeper = new Keeper()
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
    if (refuses !== undefined) trial.refused.start()
    return trial
  }

  /** Requests that have reached a handler that keeps them, in order. */
  get kept(): readonly Kept[] {
    return this.#keeper.kept
  }

  /** A handler that reads the body, and answers when the scenario says so. */
  get keep(): Route['handle'] {
    return this.#keeper.keep
  }

  /** The same, but leaves the body unread. */
  get keepUnread(): Route['handle'] {
    return this.#keeper.keepUnread
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
    const running = await framework.serve({ options, routes: [...this.#keeper.routes, ...routes] })
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
    this.#keeper.letGo()
  }

  leave(): void {
    for (const client of this.clients) client.leave()
  }

  async stop(): Promise<void> {
    this.refused.stop()
    this.letGo()
    this.leave()
    for (const { stop, governor } of [...this.#beside, this.#running]) {
      await stop()
      // So that no timer of its log is left. Not awaited: where the scenario has failed it may hang.
      governor.close({ timeoutMs: 0 }).catch(() => {})
    }
  }
}
