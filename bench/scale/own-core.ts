import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Server and proxy on the one, their clients on the other: who is overloaded must not slow down who overloads him. */
export const SERVER_CORE = 0
export const CLIENT_CORE = 1

const ALL_CORES = `0-${availableParallelism() - 1}`

/** Whether there is a core for each, and `taskset` of util-linux. */
const hasCores = availableParallelism() > CLIENT_CORE && pin(ALL_CORES) === 0

/** What is started in `start` has this core only. */
export async function onCore<T>(core: number, start: () => Promise<T>): Promise<T> {
  if (!hasCores) return start()
  // It is inherited.
  pin(String(core))
  try {
    return await start()
  } finally {
    pin(ALL_CORES)
  }
}

/** Of the main thread alone, which starts children. */
function pin(cores: string): number | null {
  return spawnSync('taskset', ['-cp', cores, String(process.pid)]).status
}
