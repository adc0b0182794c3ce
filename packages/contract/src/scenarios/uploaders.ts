import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'

const CLIENT = fileURLToPath(new URL('../upload-client.ts', import.meta.url))

/** What an uploader of 32 MiB has read, each of so many times. */
async function uploads(trial: Trial, framing: string, times: number): Promise<unknown[]> {
  const { framework, running } = trial
  const args = [framework.protocol ?? 'http', running.port, framing, times].map(String)
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CLIENT, ...args])
  return JSON.parse(stdout)
}

/** By TLS one upload costs as much as ten without. */
const protocolsOf = (framing: string) =>
  framing === 'chunked' ? (['http', 'http2'] as const) : (['http', 'https', 'http2'] as const)

/** Uploaders that are refused while they send: without care they read a reset mostly. */
export const uploaders: readonly Scenario[] = ['with a length', 'chunked'].flatMap((framing): Scenario[] => [
  {
    name: `an uploader of 32 MiB, ${framing}, reads its 413 20 times of 20`,
    protocols: protocolsOf(framing),
    once: true,
    options: { budget: '4MiB', maxBody: '1MiB' },
    async run(trial) {
      assert.deepEqual(await uploads(trial, framing, 20), Array(20).fill(413))
    },
  },
  {
    name: `an uploader of 32 MiB, ${framing}, reads its 503 8 times of 8`,
    protocols: protocolsOf(framing),
    once: true,
    options: { budget: '64MiB', queue: { limit: 0 } },
    async run(trial) {
      const room = trial.occupy()
      assert.deepEqual(await uploads(trial, framing, 8), Array(8).fill(503))
      room.free()
    },
  },
])
