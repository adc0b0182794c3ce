import { setMaxListeners } from 'node:events'

/**
 * A signal for thousands of listeners, that aborts with `stop`, or once so much time has passed. Its timer and `stop` hold it:
 * what `AbortSignal.any` makes of an `AbortSignal.timeout` may be collected before it fires (nodejs/node#57736).
 */
export function abortAfter(stop: AbortSignal, ms?: number): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  const timer = ms === undefined ? undefined : setTimeout(() => controller.abort(), ms)
  const abort = (): void => controller.abort()
  if (stop.aborted) abort()
  stop.addEventListener('abort', abort)
  controller.signal.addEventListener('abort', () => {
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
  })
  return controller
}
