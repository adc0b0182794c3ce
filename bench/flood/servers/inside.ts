import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
export const gc = runInNewContext('gc') as () => void

/** What a server sees of itself: the soak asks it. */
export interface Inside {
  readonly heapUsedBytes: number
  /** Buffers, mostly. */
  readonly externalBytes: number
  readonly reservedBytes: number
  readonly waiting: number
}

/** @param settled collects garbage first; what waits for finalizers is gone with the second time */
export async function lookInside(
  stats: { readonly reserved: number; readonly waiting: number } | undefined,
  settled: boolean,
): Promise<Inside> {
  for (let times = 0; settled && times < 3; times++) {
    gc()
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return {
    heapUsedBytes: heapUsed,
    externalBytes: external,
    reservedBytes: stats?.reserved ?? 0,
    waiting: stats?.waiting ?? 0,
  }
}
