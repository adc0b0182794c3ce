import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/** Frees what V8 lets float, at once: it takes some 10 ms, and blocks. */
export function collectGarbage(): void {
  collect ??= exposed()
  collect()
}

function exposed(): () => void {
  setFlagsFromString('--expose-gc')
  // Contexts that are made while the flag is set have it; nobody else needs to.
  const gc = runInNewContext('globalThis.gc') as () => void
  setFlagsFromString('--no-expose-gc')
  return gc
}
