import type { IncomingMessage } from 'node:http'

export type Next = (signal?: unknown) => void

/** Makes the `next()` that one piece of middleware gets for one request. */
export type Guard = (next: Next) => Next

// Shared by all copies of this package in a process.
const GUARD = Symbol.for('plimsoll.guard')
const GUARDED = Symbol.for('plimsoll.guarded')

/** What Express calls for each piece of middleware: in 4, in 5. The last argument is its `next()`. */
const CALLS = ['handle_request', 'handle_error', 'handleRequest', 'handleError'] as const

type Call = (this: unknown, ...args: unknown[]) => unknown
type Layers = { [GUARDED]?: true } & Partial<Record<(typeof CALLS)[number], Call>>
type Guarded = IncomingMessage & { [GUARD]?: Guard }

interface Router {
  readonly stack?: readonly object[]
}

/** As an application of Express 4 or 5 has them; in 4, `router` is an accessor that throws. */
interface RoutedRequest extends IncomingMessage {
  readonly app?: { readonly _router?: Router; readonly router?: Router }
}

/** The part of a stack that is the middleware's own: down to where Express has called it, if that is on it. */
export function aboveCall(stack: string): string {
  return stack.split(/\n.*\bcallWithOwnNext\b/, 1)[0] as string
}

/**
 * Has all that a request meets from here on call a `next()` of its own, made by `guard`. Express gives one and the
 * same to all middleware of a router, so by itself no middleware can see what another does with it.
 *
 * @returns false where the request is in no Express that is known
 */
export function guardFromHere(req: RoutedRequest, guard: Guard): boolean {
  const layers = layersOf(req)
  if (layers === undefined) return false
  if (layers[GUARDED] === undefined) guardAll(layers)
  ;(req as Guarded)[GUARD] = guard
  return true
}

/** What all layers of this copy of Express have in common. */
function layersOf({ app }: RoutedRequest): Layers | undefined {
  const layer = (app?._router ?? app?.router)?.stack?.[0]
  const layers = layer === undefined ? undefined : (Object.getPrototypeOf(layer) as Layers)
  return CALLS.some(call => layers?.[call] !== undefined) ? layers : undefined
}

function guardAll(layers: Layers): void {
  layers[GUARDED] = true
  for (const call of CALLS) {
    const original = layers[call]
    if (original === undefined) continue
    layers[call] = function callWithOwnNext(...args) {
      const [req, , next] = args.slice(-3) as [Guarded, unknown, Next]
      const guard = req[GUARD]
      if (guard !== undefined) args[args.length - 1] = guard(next)
      return original.apply(this, args)
    }
  }
}
