import { type Governor, optionError, RunOnce } from '@plimsoll/core'
import type { FastifyInstance, FastifyRequest, preParsingHookHandler, RouteHandlerMethod } from 'fastify'

/** What has let a request pass, or keeps it from passing. */
type Marked = FastifyRequest & Record<symbol, unknown>

const BARRED = 'barred'

/**
 * Has each request pass once before its body is parsed, and once before its handler. A hook that calls `done()`
 * twice has Fastify run what comes after the hooks of its kind twice, and not the hooks that stand behind it: so no
 * hook can notice another one of its kind.
 */
export class PassedOnce {
  readonly #point: RunOnce
  readonly #parsing = Symbol('plimsoll.parsing')
  readonly #handling = Symbol('plimsoll.handling')
  /** How many second passes were counted before the parsing, and are still to come to the handler. */
  readonly #counted = Symbol('plimsoll.counted')
  readonly #governor: Governor
  readonly #guarded = new WeakSet<RouteHandlerMethod>()

  /** @throws `ERR_PLIMSOLL_OPTION` where `action` is none */
  constructor(app: FastifyInstance, governor: Governor, action: 'report' | 'throw') {
    if (action !== 'report' && action !== 'throw') throw optionError('runOnce', '"report" or "throw"', action)
    this.#governor = governor
    this.#point = new RunOnce({ action, logger: app.log }, req => governor.countRepeated(req))
    // From the start, since properties that are added cost each request more than all else here.
    app.decorateRequest(this.#parsing, undefined)
    app.decorateRequest(this.#handling, undefined)
    app.decorateRequest(this.#counted, 0)
    app.addHook('preParsing', this.#hook())
    app.addHook('onRoute', route => {
      route.handler = this.#guard(route.handler)
    })
  }

  /** Lets nobody pass before `open`: a hook that called `done()` a second time would go on without its admission. */
  bar(request: FastifyRequest): void {
    ;(request as Marked)[this.#parsing] = BARRED
  }

  open(request: FastifyRequest): void {
    ;(request as Marked)[this.#parsing] = undefined
  }

  get #observes(): boolean {
    return this.#governor.mode === 'observe'
  }

  /** A governor that only observes counts a second pass, and lets it come. */
  #countParsing(request: Marked): void {
    request[this.#counted] = (request[this.#counted] as number) + 1
    this.#governor.countRepeated(request.raw)
  }

  #countHandling(request: Marked): void {
    const counted = request[this.#counted] as number
    if (counted > 0) request[this.#counted] = counted - 1
    else this.#governor.countRepeated(request.raw)
  }

  #hook(): preParsingHookHandler {
    const [point, parsing] = [this.#point, this.#parsing]
    const once = this
    return function beforeParsing(request, _reply, _payload, done) {
      const marked = request as Marked
      if (marked[parsing] !== undefined) {
        if (!once.#observes) {
          point.repeated(request.raw, beforeParsing)
          return
        }
        once.#countParsing(marked)
      }
      marked[parsing] = true
      done()
    }
  }

  #guard(handler: RouteHandlerMethod): RouteHandlerMethod {
    // Plugins declare further routes with the handlers that they find.
    if (this.#guarded.has(handler)) return handler
    const [point, handling] = [this.#point, this.#handling]
    const once = this
    const guarded: RouteHandlerMethod = function (request, reply) {
      const marked = request as Marked
      // Or with handlers of their own that call those: the first that a request meets is the one that it meets again.
      if (marked[handling] === guarded) {
        if (!once.#observes) return point.repeated(request.raw, guarded)
        once.#countHandling(marked)
      }
      marked[handling] ??= guarded
      return handler.call(this, request, reply)
    }
    Object.defineProperty(guarded, 'name', { value: handler.name })
    this.#guarded.add(guarded)
    return guarded
  }
}
