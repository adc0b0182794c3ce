import { setTimeout as sleep } from 'node:timers/promises'
import type { Cage } from '../cage/cage.ts'
import type { FloodEnding } from './flood-result.ts'
import type { ServerProcess } from './server-process.ts'

/** Who has just lost 20,000 clients has these to bury first, and hears nothing of others. */
const TRIES = 5
const BETWEEN_TRIES_MS = 500

/** What has become of a server, once its load has ended. */
export async function endingOf(
  server: ServerProcess,
  cage: Cage,
  startedMs: number,
  overTime: boolean,
): Promise<FloodEnding> {
  // The clients of a killed server hear of it before its parent does.
  const healthy = await healthyAtLast(server)
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

async function healthyAtLast(server: ServerProcess): Promise<boolean> {
  for (let tries = 0; tries < TRIES && server.ending === undefined; tries++) {
    if (await server.healthy()) return true
    await Promise.race([server.exited, sleep(BETWEEN_TRIES_MS)])
  }
  return false
}
