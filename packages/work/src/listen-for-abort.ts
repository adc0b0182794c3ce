import { setMaxListeners } from 'node:events'

/**
 * Listens to signals, which may live for long and have many that listen: one for each call that is under way. All of them
 * stop when it is over, so this is not the leak that Node warns of from the eleventh on.
 */
export function listenForAbort(signals: readonly AbortSignal[], onAbort: (event: Event) => void): void {
  for (const signal of signals) {
    setMaxListeners(0, signal)
    signal.addEventListener('abort', onAbort)
  }
}
