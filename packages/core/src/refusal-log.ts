import { debuglog, inspect } from 'node:util'
import { optionError, type PlimsollError, type PlimsollErrorCode } from './errors.ts'
import { type HttpRequest, pathOf } from './request-head.ts'

/** What core logs to: pino's, Fastify's and console's shape. */
export interface Logger {
  /** For what is worth knowing once: the budget that was chosen. */
  info(details: object, message: string): void
  /** For refusals. */
  warn(details: object, message: string): void
  /** For what no client can do anything about: a cost above the budget, a function of yours that fails. */
  error(details: object, message: string): void
}

const debug = debuglog('plimsoll')

/**
 * Where no logger is given: warnings and errors as Node's own warnings on stderr, the rest under
 * `NODE_DEBUG=plimsoll`. Never stdout, which may be somebody's data.
 */
export const processLogger: Logger = {
  info: (details, message) => debug('%s %o', message, details),
  warn: emitWarning,
  error: emitWarning,
}

function emitWarning(details: object, message: string): void {
  const known = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  // Not JSON, where an error is `{}`.
  process.emitWarning(
    `${message} ${inspect(known, { breakLength: Number.POSITIVE_INFINITY })}`,
    'PlimsollWarning',
  )
}

/** @throws `ERR_PLIMSOLL_OPTION` where it is not one */
export function checkLogger(logger: unknown): void {
  for (const level of ['info', 'warn', 'error'] as const) {
    if (typeof (logger as Partial<Logger> | null)?.[level] !== 'function') {
      throw optionError('logger', 'an object with info, warn and error', logger)
    }
  }
}

/** How often the same refusal is logged at most. */
export const LOG_EVERY_MS = 10_000

const ADVICE: Partial<Record<Topic, string>> = {
  connections: 'all that are open are in use, or too new to be closed. To allow more, raise `connections`',
  ERR_PLIMSOLL_TOO_SLOW:
    'its client stood still, and others waited for what it kept. Where the same clients come back to it, bound what one may ' +
    'hold: `share`',
  ERR_PLIMSOLL_NO_ROOM:
    "it needs more than it was admitted with, and holds bytes, so it may not wait. Where that is a route's own cost, mount " +
    "the route's policy before the application's: then it waits for all of it at once. Where it is an encoded body, or " +
    'one in small chunks, give its route a cost that covers what becomes of it',
  ERR_PLIMSOLL_BODY_TOO_LARGE:
    "the body is larger than the route allows: raise maxBody (or the framework's own limit), or read it with body: 'stream'",
  ERR_PLIMSOLL_BODY_OVER_BUDGET:
    "the body costs more than the whole budget: raise the budget, or read it with body: 'stream'",
  ERR_PLIMSOLL_COST_OVER_BUDGET:
    'configuration error: the route costs more than the whole budget, so it can never be served',
  ERR_PLIMSOLL_COST_FUNCTION: 'configuration error: a cost or exempt function threw or returned no size',
}

/** What a line tells of: a code, or connections, which had no request yet. */
type Topic = PlimsollErrorCode | 'connections'

const SILENT: ReadonlySet<PlimsollErrorCode> = new Set(['ERR_PLIMSOLL_CLIENT_GONE', 'ERR_PLIMSOLL_RELEASED'])
const ERRORS: ReadonlySet<Topic> = new Set(['ERR_PLIMSOLL_COST_OVER_BUDGET', 'ERR_PLIMSOLL_COST_FUNCTION'])

/**
 * Logs refusals: the first of each code at once, then a line every ten seconds with how many more
 * there were. A flood that is refused must not become a flood of log lines.
 */
export class RefusalLog {
  readonly #logger: Logger
  readonly #verb: string
  /** How many of each code were not logged since its last line. */
  readonly #unlogged = new Map<Topic, number>()
  #timer: NodeJS.Timeout | undefined
  #strangers = false

  /** @param verb what was done to requests */
  constructor(logger: Logger, verb = 'refused') {
    this.#logger = logger
    this.#verb = verb
  }

  refused(req: HttpRequest, error: PlimsollError): void {
    const { code } = error
    if (SILENT.has(code)) return
    if (!this.#isFirst(code)) return
    const { bytes, limit, cause } = error
    this.#write(
      code,
      { code, method: req.method, url: pathOf(req), bytes, limit, err: cause },
      `${this.#verb} a request`,
    )
  }

  /** @param limit how many are open */
  refusedConnection(limit: number): void {
    if (this.#isFirst('connections')) this.#write('connections', { limit }, `${this.#verb} a connection`)
  }

  /** Whether it was not logged within the time of one line; else it is counted for the next one. */
  #isFirst(topic: Topic): boolean {
    const unlogged = this.#unlogged.get(topic)
    this.#unlogged.set(topic, unlogged === undefined ? 0 : unlogged + 1)
    this.#timer ??= setTimeout(() => this.flush(), LOG_EVERY_MS).unref()
    return unlogged === undefined
  }

  /** Says once that a request was admitted by another governor before. */
  strange(req: HttpRequest): void {
    if (this.#strangers) return
    this.#strangers = true
    this.#logger.warn(
      { method: req.method, url: pathOf(req) },
      'plimsoll: a request that passes two governors holds bytes of the first only. To give a route its own policy, pass ' +
        'its governor too: { governor, cost }',
    )
  }

  /** Logs what was not logged yet. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [code, refused] of this.#unlogged) {
      if (refused === 0) continue
      const what = code === 'connections' ? 'connections' : 'requests'
      this.#write(code, { code, refused }, `${this.#verb} ${refused} more ${what}`)
    }
    this.#unlogged.clear()
  }

  #write(code: Topic, details: object, what: string): void {
    const advice = ADVICE[code]
    const message = advice === undefined ? `plimsoll ${what}` : `plimsoll ${what}: ${advice}`
    if (ERRORS.has(code)) this.#logger.error(details, message)
    else this.#logger.warn(details, message)
  }
}
