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
  readonly #governor: Governor
  readonly #guarded = new WeakSet<RouteHandlerMethod>()

  /** @throws `ERR_PLIMSOLL_OPTION` where `action` is none */
  constructor(app: FastifyInstance, governor: Governor, action: 'report' | 'throw') {
    if (action !== 'report' && action !== 'throw') throw optionError('runOnce', '"report" or "throw"', action)
    this.#governor = governor
    this.#point = new RunOnce({ action, logger: app.log }, () => governor.countRepeated())
    // From the start, since properties that are added cost each request more than all else here.
    app.decorateRequest(this.#parsing, undefined)
    app.decorateRequest(this.#handling, undefined)
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

  /** A governor that only observes counts a second pass, and lets it come. */
  #observes(): boolean {
    const observes = this.#governor.mode === 'observe'
    if (observes) this.#governor.countRepeated()
    return observes
  }

  #hook(): preParsingHookHandler {
    const [point, parsing] = [this.#point, this.#parsing]
    const observes = (): boolean => this.#observes()
    return function beforeParsing(request, _reply, _payload, done) {
      const marked = request as Marked
      if (marked[parsing] === undefined || observes()) {
        marked[parsing] = true
        done()
      } else point.repeated(request.raw, beforeParsing)
    }
  }

  #guard(handler: RouteHandlerMethod): RouteHandlerMethod {
    // Plugins declare further routes with the handlers that they find.
    if (this.#guarded.has(handler)) return handler
    const [point, handling] = [this.#point, this.#handling]
    const observes = (): boolean => this.#observes()
    const guarded: RouteHandlerMethod = function (request, reply) {
      const marked = request as Marked
      // Or with handlers of their own that call those: the first that a request meets is the one that it meets again.
      if (marked[handling] === guarded && !observes()) return point.repeated(request.raw, guarded)
      marked[handling] ??= guarded
      return handler.call(this, request, reply)
    }
    Object.defineProperty(guarded, 'name', { value: handler.name })
    this.#guarded.add(guarded)
    return guarded
  }
}
