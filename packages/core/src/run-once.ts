import { repeatedChannel } from './diagnostics.ts'
import { optionError, PlimsollError } from './errors.ts'
import { checkOptions } from './options.ts'
import { checkLogger, type Logger, processLogger } from './refusal-log.ts'
import type { HttpRequest } from './request-head.ts'

/** What to do about a request that passes a point twice. */
export interface RunOnceOptions {
  /**
   * `'report'` (default) logs it, once for each culprit. `'throw'` throws `ERR_PLIMSOLL_PASSED_TWICE` into the call
   * that came second: for development.
   */
  readonly action?: 'report' | 'throw'
  /** Where to log. Default: Node's warnings on stderr. */
  readonly logger?: Logger
}

/** So many culprits are told apart; a server has a few, and its memory a bound. */
const CULPRITS = 100
/** Between the second call and us there may be other middleware, each with frames of the framework. */
const FRAMES = 50

/**
 * A point that each request passes once. Frameworks run the rest of the chain as often as `next()` is called: a
 * handler's work twice, and twice its memory.
 */
export class RunOnce {
  readonly #passed = Symbol('plimsoll.passed')
  readonly #throws: boolean
  readonly #logger: Logger
  readonly #onRepeat: () => void
  readonly #culprits = new Set<string>()

  /** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
  constructor(options: RunOnceOptions = {}, onRepeat: () => void = () => {}) {
    checkOptions(options, ['action', 'logger'], 'options')
    const { action = 'report', logger = processLogger } = options
    if (action !== 'report' && action !== 'throw') throw optionError('action', '"report" or "throw"', action)
    checkLogger(logger)
    this.#throws = action === 'throw'
    this.#logger = logger
    this.#onRepeat = onRepeat
  }

  /**
   * Whether `request` passes for the first time. The caller stops a second pass.
   *
   * @throws `ERR_PLIMSOLL_PASSED_TWICE` on a second pass with `action: 'throw'`
   */
  passes(request: object, req: HttpRequest): boolean {
    const marked = request as Record<symbol, true>
    if (marked[this.#passed] === undefined) {
      marked[this.#passed] = true
      return true
    }
    this.#repeated(req)
    return false
  }

  #repeated(req: HttpRequest): void {
    this.#onRepeat()
    const error = secondCall(this.passes)
    if (repeatedChannel.hasSubscribers) repeatedChannel.publish({ request: req, error })
    if (this.#throws) throw error
    const culprit = error.stack as string
    if (this.#culprits.has(culprit) || this.#culprits.size >= CULPRITS) return
    this.#culprits.add(culprit)
    const url = req.url?.split('?', 1)[0]
    this.#logger.warn(
      { code: error.code, method: req.method, url, err: error },
      'plimsoll stopped a request that passed here for the second time: something before has called next() twice',
    )
  }
}

function secondCall(below: (...args: never[]) => unknown): PlimsollError {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  try {
    const error = new PlimsollError('ERR_PLIMSOLL_PASSED_TWICE', 'A request passed here for the second time')
    Error.captureStackTrace(error, below)
    return error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
