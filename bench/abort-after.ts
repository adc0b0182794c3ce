import { setMaxListeners } from 'node:events'

/**
 * A signal for thousands of listeners, that aborts with `stop`, or once so much time has passed. Its timer and `stop` hold it:
 * what `AbortSignal.any` makes of an `AbortSignal.timeout` may be collected before it fires (nodejs/node#57736). Whoever has
 * no use for it any more aborts it, and nothing is left on `stop`.
 */
export function abortAfter(stop: AbortSignal, ms?: number): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, stop, controller.signal)
  const timer = ms === undefined ? undefined : setTimeout(() => controller.abort(), ms)
  const abort = (): void => controller.abort()
  controller.signal.addEventListener('abort', () => {
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
  })
  if (stop.aborted) abort()
  else stop.addEventListener('abort', abort)
  return controller
}
