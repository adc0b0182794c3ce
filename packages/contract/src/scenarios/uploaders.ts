import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { type Uploads, uploadAll } from '../uploaders.ts'

const BYTES = 32 * 2 ** 20

/** What an uploader of 32 MiB has read, each of so many times. */
async function outcomes(trial: Trial, framing: Framing, times: number): Promise<unknown> {
  const { framework, running } = trial
  const routes = [{ path: '/length', type: 'application/octet-stream' }]
  const { protocol = 'http' } = framework
  return (await uploadAll({ port: running.port, protocol, routes, framing, times, bytes: BYTES }))['/length']
}

type Framing = Uploads['framing']

/** By TLS one upload costs as much as ten without. */
const protocolsOf = (framing: Framing) =>
  framing === 'chunked' ? (['http', 'http2'] as const) : (['http', 'https', 'http2'] as const)

/** Uploaders that are refused while they send: without care they read a reset mostly. */
export const uploaders: readonly Scenario[] = (['length', 'chunked'] as const).flatMap(
  (framing): Scenario[] => [
    {
      name: `an uploader of 32 MiB (${framing}) reads its 413 20 times of 20`,
      protocols: protocolsOf(framing),
      once: true,
      options: { budget: '4MiB', maxBody: '1MiB' },
      async run(trial) {
        assert.deepEqual(await outcomes(trial, framing, 20), Array(20).fill(413))
      },
    },
    {
      name: `an uploader of 32 MiB (${framing}) reads its 503 8 times of 8`,
      protocols: protocolsOf(framing),
      once: true,
      options: { budget: '64MiB', queue: { limit: 0 } },
      async run(trial) {
        const room = trial.occupy()
        assert.deepEqual(await outcomes(trial, framing, 8), Array(8).fill(503))
        room.free()
      },
    },
  ],
)
