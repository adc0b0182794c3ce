import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { MOST_UNKNOWN, priceByItself, UNKNOWN_PART } from './auto-cost.ts'
import type { ByteBudget } from './byte-budget.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { isEncoded } from './content-encoding.ts'
import { uncompleteOnceAnswered } from './cut-body.ts'
import { deadlineOf } from './deadline.ts'
import { admittedChannel, queuedChannel, refusedChannel, releasedChannel } from './diagnostics.ts'
import { enter } from './enter.ts'
import {
  clientLeft,
  isPlimsollError,
  optionError,
  PlimsollError,
  type PlimsollErrorCode,
  tooLate,
} from './errors.ts'
import { deferContinue, goOn, type HttpServer, neverGoOn } from './expect-continue.ts'
import { finalize, governed, isOver, mark } from './finalization.ts'
import { FlightRecorder } from './flight-recorder.ts'
import { admitFirst } from './governed-listener.ts'
import { GovernedRequest, type RequestKeeper, type RequestReservation } from './governed-request.ts'
import { type GovernorOptions, type ResolvedOptions, resolveGovernorOptions } from './governor-options.ts'
import type { GovernorStats } from './governor-stats.ts'
import { type Health, healthOf } from './health.ts'
import { type HeldWork, heldWorkOf } from './held-work.ts'
import { BodyHold } from './hold-body.ts'
import { LimitedReader } from './limited-reader.ts'
import { lingerOnFinish } from './lingering-close.ts'
import { lookForClient } from './look-for-client.ts'
import { Looks } from './looks.ts'
import { checkMode, type Mode, type ModeOption, modeOf } from './mode.ts'
import { noReservation } from './no-reservation.ts'
import { Observer } from './observer.ts'
import { checkDuration, checkOptions } from './options.ts'
import { consult, type Price, priceOf, priceOfExempt } from './price.ts'
import { answerForReader, isSmall, prepareRefusal, retryAfter } from './refusal.ts'
import { RefusalLog } from './refusal-log.ts'
import type { GovernorReport } from './report.ts'
import { declaredBytes, type HttpRequest, type HttpResponse, requestHead } from './request-head.ts'
import type { RouteMeasures } from './route-measures.ts'
import { type ResolvedPolicy, type RoutePolicy, resolvePolicy } from './route-policy.ts'
import type { Route } from './routes.ts'
import { Shares } from './shares.ts'
import { Traffic } from './traffic.ts'
import { Valve } from './valve.ts'

/** What `false` stands for. */
const EXEMPT: RoutePolicy = Object.freeze({ exempt: true })

/** Admits requests by the bytes they will need. The way of a request is this class from top to bottom. */
export class Governor {
  /** What it admits by: made from its options, or given in them. */
  readonly budget: ByteBudget
  readonly #options: ResolvedOptions
  readonly #shares: Shares | undefined
  readonly #policies = new WeakMap<RoutePolicy, ResolvedPolicy>()
  readonly #log: RefusalLog
  readonly #connections: ConnectionLimit
  readonly #recorder: FlightRecorder | undefined
  readonly #waiting = new Set<GovernedRequest>()
  readonly #working = new Set<GovernedRequest>()
  readonly #onIdle = new Set<() => void>()
  readonly #refused: Partial<Record<PlimsollErrorCode, number>> = {}
  readonly #traffic: Traffic
  readonly #keeper: RequestKeeper = {
    waiting: this.#waiting,
    working: this.#working,
    released: (request, bytes) => this.#release(request, bytes),
    requeueRefused: (request, error) => {
      this.#note(request, error)
      // Not on the response: the handler may have another answer.
      error.headers = retryAfter(error, this.budget.queue.timeoutMs)
    },
    streams: request => this.#hasLearned(this.#traffic.streams(request)),
    cutOff: (request, error) => this.#note(request, error),
  }
  readonly #observer: Observer
  #mode: ModeOption
  #repeated = 0
  #admitted = 0
  #queued = 0
  #released = 0
  #closing = false
  #draining = false

  /** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
  constructor(options: GovernorOptions = {}) {
    this.#options = resolveGovernorOptions(options)
    this.budget = this.#options.budget
    const { share, workerShare } = this.#options
    // So few of them at a time in all workers together.
    const part = Math.max(1, UNKNOWN_PART / (workerShare?.count ?? 1))
    this.#traffic = new Traffic(Math.min(MOST_UNKNOWN, Math.floor(this.budget.capacity / part)))
    this.#shares = share === undefined ? undefined : new Shares(share, this.budget)
    this.#log = new RefusalLog(this.#options.logger)
    const { connections, mode, recorder, logger } = this.#options
    this.#mode = mode
    this.#observer = new Observer(this.budget, share, logger, this.#keeper.streams)
    this.#connections = new ConnectionLimit(connections, {
      mayAct: () => {
        const acts = this.mode === 'enforce'
        if (!acts) this.#observer.connectionOver(connections)
        return acts
      },
      connectionRefused: () => this.#log.refusedConnection(connections),
    })
    const { valve } = this.#options
    if (valve || workerShare !== undefined) {
      // One for all governors that share a budget.
      this.budget.looks ??= new Looks(this.budget)
      const { looks } = this.budget
      looks.share ??= workerShare
      if (valve) looks.valve ??= new Valve(this.budget, logger)
    }
    // Last, since it opens a file: what else is wrong has been said by now.
    this.#recorder = recorder && new FlightRecorder(recorder, () => this.stats(), logger)
  }

  /**
   * Whether it acts. To set it is to switch all routes that have no mode of their own, from now on; requests that wait
   * are let in when it is set to `'observe'`.
   */
  get mode(): Mode {
    try {
      return modeOf(this.#mode)
    } catch {
      // It is told to each request. Here nobody could catch it.
      return 'enforce'
    }
  }

  /** @throws `ERR_PLIMSOLL_OPTION` where it is none */
  set mode(mode: Mode) {
    this.#mode = checkMode(mode)
    if (mode === 'observe') for (const request of this.#waiting) request.letPass()
  }

  /**
   * Admits a request: at once where there is room, else by a promise. A second admission of one
   * request only adjusts the first to `policy`, and never waits.
   *
   * The caller answers a refusal, which is thrown or rejects the promise; `Retry-After` and
   * `Connection` are set on `res` by then. After `ERR_PLIMSOLL_CLIENT_GONE` there is nobody to answer.
   * Who is admitted is released by what becomes of `res`, its connection and held work.
   *
   * @param policy of the route, over the governor's own; `false` exempts it. Pass the same object for the
   *   same route: it is checked once
   * @param route for the report: the route's pattern, or a function that knows it once the request was answered.
   *   Without it routes are told by their paths
   * @throws PlimsollError any code of `docs/errors.md` that is marked as a refusal
   */
  admit(
    req: HttpRequest,
    res: HttpResponse,
    policy?: RoutePolicy | false,
    route?: Route,
  ): RequestReservation | Promise<RequestReservation> {
    let request = governed<GovernedRequest>(req)
    try {
      if (request !== undefined) return this.#adjust(request, policy)
      request = new GovernedRequest(req, res, this.budget, this.#shares, this.#keeper)
      mark(request)
      request.route = route
      request.row = this.#traffic.routes.find(req, route)
      const resolved = this.#resolved(policy)
      if (modeOf(resolved.mode ?? this.#mode) === 'observe') return this.#observe(request, res, resolved)
      request.price = this.#declare(request, res, resolved)
      this.#setDeadline(request, resolved.deadlineMs)
      if (this.#shares !== undefined && request.price.bytes > 0) request.key = this.#shares.of(req)
      request.connection = finalize(request, res)
      return this.#enter(request, res, resolved)
    } catch (error) {
      throw this.#refuse(request as GovernedRequest, res, error)
    }
  }

  /** Observe: it goes on as if nobody was here, and its twin goes the way of a request. */
  #observe(request: GovernedRequest, res: HttpResponse, policy: ResolvedPolicy): RequestReservation {
    // All that would end it has passed.
    if (isOver(request, res)) {
      request.leave()
      return request
    }
    const twin = this.#observer.begin(
      request,
      () => this.#declare(request, res, policy),
      () => this.#priceAnew(request, policy),
    )
    request.connection = finalize(request, res)
    request.pass(this.#observer, twin)
    return this.#begin(request, res, 0)
  }

  /** Declare: what will this request cost, and can it ever come in? */
  #declare(request: GovernedRequest, res: HttpResponse, policy: ResolvedPolicy): Price {
    if (isOver(request, res)) throw clientLeft()
    const { req, stream, socket } = request
    request.declared = declaredBytes(req, stream, socket)
    // Probes ask until the end: who drains is not ready, but lives.
    if (this.#closing && !policy.exempt && !this.#isExempt(req, request.declared))
      throw new PlimsollError('ERR_PLIMSOLL_CLOSED', 'The server is closing')
    return this.#price(request, request.declared, policy, request.row)
  }

  #price(
    request: GovernedRequest,
    declared: number | undefined,
    policy: ResolvedPolicy,
    row: RouteMeasures | undefined,
  ): Price {
    const { req } = request
    if (!policy.exempt && !this.#isExempt(req, declared))
      return this.#priceGoverned(request, declared, policy, row)
    return priceOfExempt(req, declared, policy, this.budget.configuredCapacity)
  }

  #priceGoverned(
    request: GovernedRequest,
    declared: number | undefined,
    policy: ResolvedPolicy,
    row: RouteMeasures | undefined,
  ): Price {
    const { req, admitted, price } = request
    const { configuredCapacity: part, largest } = this.budget
    // Who can't say what it needs is asked to do with a part, and so is who does not really wait for more, or is in.
    const mayBeGiant =
      largest > part &&
      (!admitted || price.bytes > part) &&
      declared !== undefined &&
      !isEncoded(req) &&
      modeOf(policy.mode ?? this.#mode) === 'enforce'
    const capacity = mayBeGiant ? largest : part
    if (policy.cost !== 'auto') return priceOf(req, declared, policy, capacity)
    return priceByItself(req, declared, policy, this.#traffic.routes.responseBytes(row), {
      capacity,
      part,
      alone: Math.max(capacity, this.#options.alone),
    })
  }

  /** What is known of its route by now: nobody may have known it as it came. */
  #rowNow({ req, route, row }: GovernedRequest): RouteMeasures | undefined {
    return row ?? this.#traffic.routes.find(req, route)
  }

  /** While it waits: what its route has learned meanwhile tells more than what was guessed. */
  #priceAnew(request: GovernedRequest, policy: ResolvedPolicy): Price {
    try {
      return this.#priceGoverned(request, request.declared, policy, this.#rowNow(request))
    } catch {
      // A budget that has become smaller takes in no new ones of its size. This one waits already.
      return request.price
    }
  }

  #setDeadline(request: GovernedRequest, policyMs: number | undefined): void {
    const { deadlineHeader } = this.#options
    if (policyMs === undefined && deadlineHeader === undefined) return
    const ms = deadlineOf(request.req, policyMs, deadlineHeader)
    if (ms === 0) throw tooLate()
    if (ms !== undefined) request.endBy(ms)
  }

  /** Admit: is there room? Else wait. */
  #enter(
    request: GovernedRequest,
    res: HttpResponse,
    policy: ResolvedPolicy,
  ): RequestReservation | Promise<RequestReservation> {
    if (enter(request, this.budget, this.#shares)) return this.#begin(request, res, 0)
    if (request.price.response) {
      const priceNow = (): Price => this.#priceAnew(request, policy)
      request.priceNow = priceNow
    }
    request.admission = this.#wait(request, res)
    return request.admission
  }

  async #wait(request: GovernedRequest, res: HttpResponse): Promise<RequestReservation> {
    const since = performance.now()
    const { req, price } = request
    const body = new BodyHold(req)
    body.hold()
    let refusal: unknown
    this.#queued++
    this.#waiting.add(request)
    if (request.row !== undefined) request.row.queued++
    if (queuedChannel.hasSubscribers)
      queuedChannel.publish({ governor: this, request: req, bytes: price.bytes })
    try {
      await request.acquire()
      // Each that is over lets in the next: without a turn in between, all that wait are served in one, and nobody is heard
      // meanwhile.
      await turn()
      // Of many that end with one session, the first to be released would let the others in before they hear of it.
      if (isOver(request, res)) throw clientLeft()
      // A kept-alive connection keeps the receive buffer that this upload has grown, and its next
      // upload would fill that while it waits: memory of ours that no budget sees.
      if (request.waitedForBytes && !isSmall(req) && !res.headersSent) res.setHeader('Connection', 'close')
      await lookForClient(request)
      request.throwIfEnded()
      const waitedMs = performance.now() - since
      request.row?.waitedMs.record(waitedMs)
      return this.#begin(request, res, waitedMs)
    } catch (error) {
      refusal = this.#refuse(request, res, error)
    } finally {
      this.#waiting.delete(request)
      request.admission = undefined
      body.letCome()
    }
    throw refusal
  }

  /** Read: from here on the handler has it, and its body is bounded. */
  #begin(request: GovernedRequest, res: HttpResponse, waitedMs: number): RequestReservation {
    const { req, price } = request
    if (price.hasBody) {
      const reader = new LimitedReader(req, request, error => this.#refuseBody(request, res, error))
      request.reader = reader
      request.bodyComes()
      if (request.twin !== undefined) request.twin.reader = reader
      // Its client could keep it open for ever after an early answer, and the bytes with it.
      else if (request.stream !== undefined) lingerOnFinish(request.stream, () => reader.underWay)
    }
    request.admitted = true
    this.#admitted++
    this.#traffic.admitted(request, this.budget.waiting)
    if (price.hasBody) goOn(res)
    if (admittedChannel.hasSubscribers) {
      const { bytes } = price
      const route = request.row?.route
      admittedChannel.publish({ governor: this, request: req, response: res, route, bytes, waitedMs })
    }
    return request
  }

  /** Release: called by the request when response, connection and held work are over. */
  #release(request: GovernedRequest, bytes: number): void {
    const { req, price, twin } = request
    this.#released++
    // Not by what costs nothing: the probe itself would keep a wedged server alive.
    if (price.bytes > 0) this.budget.stirred()
    const row = this.#traffic.released(request)
    this.#hasLearned(row)
    if (twin !== undefined) this.#observer.over(twin, row, performance.now() - twin.since)
    if (releasedChannel.hasSubscribers) releasedChannel.publish({ governor: this, request: req, bytes })
    if (this.#onIdle.size > 0 && this.#admitted === this.#released) for (const idle of this.#onIdle) idle()
  }

  /** Who waits for what is only guessed may need less by now. */
  #hasLearned(row: RouteMeasures | undefined): void {
    if (!row?.costsLess()) return
    this.budget.reprice()
    this.#shares?.reprice()
    this.#observer.reprice()
  }

  /** A second admission: the route's own policy after the application's. */
  #adjust(
    request: GovernedRequest,
    policy: RoutePolicy | false | undefined,
  ): RequestReservation | Promise<RequestReservation> {
    if (!request.isKeptBy(this.#keeper)) this.#log.strange(request.req)
    if (request.admission !== undefined) return request.admission
    if (request.refusal !== undefined) throw request.refusal
    if (policy !== undefined && !request.released) {
      const { req, reader, stream, socket } = request
      const twin = request.understudy()
      const declared = reader?.complete ? reader.total : declaredBytes(req, stream, socket)
      const declare = (): Price =>
        this.#price(request, declared, this.#resolved(policy), this.#rowNow(request))
      if (twin !== undefined) this.#observer.adjust(request, twin, declare)
      else {
        request.adjust(declare())
        if (policy !== false && policy.deadlineMs !== undefined) this.#setDeadline(request, policy.deadlineMs)
      }
    }
    return request
  }

  #refuseBody(request: GovernedRequest, res: HttpResponse, error: PlimsollError): void {
    try {
      this.#refuse(request, res, error)
    } finally {
      uncompleteOnceAnswered(request.req, res)
      answerForReader(request.req, res, error)
    }
  }

  #refuse(request: GovernedRequest, res: HttpResponse, error: unknown): unknown {
    // Told before: somebody asks for another admission after a refusal.
    if (!isPlimsollError(error) || request.refusal === error) return error
    if (!request.admitted) {
      request.refuse(error)
      neverGoOn(res)
    }
    if (error.code !== 'ERR_PLIMSOLL_CLIENT_GONE')
      prepareRefusal(request, res, error, this.budget.queue.timeoutMs)
    this.#note(request, error)
    return error
  }

  #note({ req, row }: GovernedRequest, error: PlimsollError): void {
    row?.refuse(error.code)
    this.#refused[error.code] = (this.#refused[error.code] ?? 0) + 1
    this.#log.refused(req, error)
    if (refusedChannel.hasSubscribers) refusedChannel.publish({ governor: this, request: req, error })
  }

  #resolved(policy: RoutePolicy | false | undefined): ResolvedPolicy {
    if (policy === undefined) return this.#options.policy
    if (policy === false) return this.#resolved(EXEMPT)
    let resolved = this.#policies.get(policy)
    if (resolved === undefined) {
      resolved = resolvePolicy(policy, this.#options.policy)
      this.#policies.set(policy, resolved)
    }
    return resolved
  }

  #isExempt(req: HttpRequest, declared: number | undefined): boolean {
    const { exempt } = this.#options
    if (exempt === undefined) return false
    return consult<unknown>(() => exempt(requestHead(req, declared))) === true
  }

  /**
   * Governs a plain `node:http`, `node:https` or `node:http2` handler. Refusals are answered here, as JSON, and so
   * is a refusal that the handler lets pass, thrown or as a rejection. In the handler, `reservationOf(req)`
   * is what it holds.
   */
  listener<Req extends HttpRequest = IncomingMessage, Res extends HttpResponse = ServerResponse>(
    handler: (req: Req, res: Res) => unknown,
  ): (req: Req, res: Res) => unknown {
    return admitFirst(this, handler)
  }

  /**
   * Does for a server what no request handler can: with `Expect: 100-continue` a client is told to go on
   * once it has its room, and one that is refused sends none of its body. Requests that meet no governor
   * are told when their body is first read. Any number of calls, and of governors; a server that has a
   * listener of its own to 'checkContinue' is left to it.
   *
   * And bounds how many connections may be open at once; see {@link GovernorOptions.connections}.
   */
  attach(server: HttpServer): void {
    if (typeof server?.on !== 'function') throw optionError('server', 'an HTTP server', server)
    deferContinue(server, () => this.mode === 'enforce')
    this.#connections.attach(server)
  }

  /**
   * Counts a request that was stopped because it passed some point twice. For adapters.
   *
   * @param req that request, for the report of its route
   */
  countRepeated(req?: HttpRequest): void {
    this.#repeated++
    const work = req && governed<GovernedRequest>(req)?.working()
    if (work !== undefined) work.repeated++
  }

  /**
   * The work that requests hold now, by `hold`, the oldest first: what goes on though its client has left, too, which the
   * budget is short of until it is over.
   */
  heldWork(): HeldWork[] {
    return heldWorkOf(this.#working)
  }

  /** Its figures now. Costs next to nothing: ask as often as you like. */
  stats(): GovernorStats {
    const { capacity, ceiling, reserved, departed, available, paidIn, lent, lane, giants, leftovers } =
      this.budget
    return {
      capacity,
      ceiling,
      reserved,
      departed,
      available,
      paidIn,
      lent,
      lane,
      giants,
      leftOver: leftovers.bytes,
      active: this.#admitted - this.#released,
      waiting: this.#waiting.size,
      keys: this.#shares?.size ?? 0,
      admitted: this.#admitted,
      queued: this.#queued,
      released: this.#released,
      repeated: this.#repeated,
      connections: this.#connections.open,
      connectionsClosed: this.#connections.closed,
      connectionsRefused: this.#connections.refused,
      refused: { ...this.#refused },
      observed: this.#observer.stats(),
    }
  }

  /** What requests of each route were like since the governor was made, and the budget and costs that follow from it. */
  report(): GovernorReport {
    return this.#traffic.report(this.mode, this.budget.configuredCapacity)
  }

  /**
   * Whether to send this server requests (readiness), and whether to leave it running (liveness): for the routes that
   * probes ask, which are to be exempt. Costs next to nothing.
   *
   * Not live is who has requests that wait, and for `health.wedgedMs` neither released any that cost something nor had a
   * byte of theirs sent or taken; time in which the event loop was blocked does not count, nor who waits for nothing but
   * the share of its own client. It cannot tell a handler that hangs from one that works for so long on its own, reads
   * nothing and writes nothing.
   */
  health(): Health {
    const { looks, queued, stillMs } = this.budget
    const signs = {
      closing: this.#closing,
      draining: this.#draining,
      shutForMs: looks?.valve?.shutForMs ?? 0,
      queued,
      stillMs,
    }
    return healthOf(signs, this.#options.health)
  }

  /**
   * Not ready from now on, though it goes on admitting: so that whoever balances load turns away before {@link close}
   * refuses. Any number of calls.
   */
  drain(): void {
    this.#draining = true
  }

  /** Whether it drains or closes. */
  get draining(): boolean {
    return this.#draining || this.#closing
  }

  /**
   * Drains: new requests and those that wait are refused with 503, so that they try elsewhere; those
   * admitted finish. Resolves when all of them are released.
   *
   * @param options `timeoutMs`: how long that may take, default 30_000
   * @throws `ERR_PLIMSOLL_CLOSE_TIMEOUT` where some are still at it then; they go on
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    checkOptions(options, ['timeoutMs'], 'options')
    const { timeoutMs = 30_000 } = options
    checkDuration(timeoutMs, 'timeoutMs')
    this.#closing = true
    const waiting = [...this.#waiting].filter(request => !request.admitted)
    for (const request of waiting) {
      request.giveUp(new PlimsollError('ERR_PLIMSOLL_CLOSED', 'The server is closing'))
    }
    await Promise.allSettled(waiting.map(request => request.admission))
    this.#log.flush()
    this.#observer.flush()
    try {
      if (this.#admitted !== this.#released) await this.#idle(timeoutMs)
    } finally {
      this.budget.looks?.rest()
      this.#recorder?.close()
    }
  }

  #idle(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (settle: () => void): void => {
        this.#onIdle.delete(idle)
        clearTimeout(timer)
        settle()
      }
      const idle = (): void => over(resolve)
      const timer = setTimeout(() => {
        over(() => reject(new PlimsollError('ERR_PLIMSOLL_CLOSE_TIMEOUT', 'Requests are still under way')))
      }, timeoutMs).unref()
      this.#onIdle.add(idle)
    })
  }
}

/** What a request holds: 0 bytes where it was exempt, refused, or not met by a governor yet. */
export function reservationOf(req: HttpRequest): RequestReservation {
  return governed<GovernedRequest>(req) ?? noReservation
}
