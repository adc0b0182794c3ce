import { setTimeout as sleep } from 'node:timers/promises'
import type { Cage } from '../cage/cage.ts'
import type { FloodEnding } from './flood-result.ts'
import type { ServerProcess } from './server-process.ts'

/** What has become of a server, once its load has ended. */
export async function endingOf(
  server: ServerProcess,
  cage: Cage,
  startedMs: number,
  overTime: boolean,
): Promise<FloodEnding> {
  // The clients of a killed server hear of it before its parent does.
  const healthy = await server.healthy()
  if (!healthy) await Promise.race([server.exited, sleep(1_000)])
  if (server.ending === undefined) {
    if (overTime) return { kind: 'stopped', afterSeconds: (performance.now() - startedMs) / 1000 }
    return healthy ? { kind: 'alive' } : { kind: 'does not answer' }
  }
  const { exitCode } = server.ending
  const atSeconds = (server.ending.atMs - startedMs) / 1000
  if (exitCode === 137 && cage.kills() > 0) {
    return { kind: 'killed for memory', exitCode, atSeconds, killer: cage.kind }
  }
  return { kind: 'died', exitCode, atSeconds, stderr: server.stderrTail }
}
