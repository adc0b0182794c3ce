import { repeatedChannel } from './diagnostics.ts'
import { optionError, PlimsollError } from './errors.ts'
import { checkOptions } from './options.ts'
import { checkLogger, type Logger, processLogger } from './refusal-log.ts'
import { type HttpRequest, pathOf } from './request-head.ts'

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
 * A point that each request passes once. Some frameworks run the rest of the chain as often as `next()` is called: a
 * handler's work twice, and twice its memory.
 */
export class RunOnce {
  readonly #passed = Symbol('plimsoll.passed')
  readonly #throws: boolean
  readonly #logger: Logger
  readonly #onRepeat: (req: HttpRequest) => void
  readonly #culpritOf: (stack: string) => string
  readonly #culprits = new Set<string>()

  /**
   * @param onRepeat called at each second pass, reported or not
   * @param culpritOf what tells culprits apart, of the stack of a second call without Node's own frames; all of it
   * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
   */
  constructor(
    options: RunOnceOptions = {},
    onRepeat: (req: HttpRequest) => void = () => {},
    culpritOf: (stack: string) => string = stack => stack,
  ) {
    checkOptions(options, ['action', 'logger'], 'options')
    const { action = 'report', logger = processLogger } = options
    if (action !== 'report' && action !== 'throw') throw optionError('action', '"report" or "throw"', action)
    checkLogger(logger)
    this.#throws = action === 'throw'
    this.#logger = logger
    this.#onRepeat = onRepeat
    this.#culpritOf = culpritOf
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
    this.repeated(req, this.passes)
    return false
  }

  /**
   * Notes a second pass that the caller has noticed by itself, and stops.
   *
   * @param below the stack begins at the caller of this function
   * @throws `ERR_PLIMSOLL_PASSED_TWICE` with `action: 'throw'`
   */
  repeated(req: HttpRequest, below: (...args: never[]) => unknown): void {
    this.#onRepeat(req)
    const error = secondCall(below)
    if (repeatedChannel.hasSubscribers) repeatedChannel.publish({ request: req, error })
    if (this.#throws) throw error
    const culprit = this.#culpritOf(withoutNode(error.stack as string))
    if (this.#culprits.has(culprit) || this.#culprits.size >= CULPRITS) return
    this.#culprits.add(culprit)
    this.#logger.warn(
      { code: error.code, method: req.method, url: pathOf(req), err: error },
      'plimsoll stopped a second next() (or done()) for one request: the stack tells who called it',
    )
  }
}

function secondCall(below: (...args: never[]) => unknown): PlimsollError {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  try {
    const error = new PlimsollError('ERR_PLIMSOLL_PASSED_TWICE', 'next() was called twice for one request')
    Error.captureStackTrace(error, below)
    return error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Node's own frames differ with what else was due in the same turn. */
function withoutNode(stack: string): string {
  return stack.replaceAll(/\n.*\(node:.*\)$/gm, '').replaceAll(/\n +at (?:async )?node:.*$/gm, '')
}
