import assert from 'node:assert/strict'
import { head } from '../bare-client.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'

const MiB = 2 ** 20
const DECLARED = MiB
const SENT = DECLARED - 10_000

/** One that has sent nearly all of a body, and sends no more. */
async function stalled(trial: Trial, path: string) {
  const slow = trial.open('POST', path, { length: DECLARED })
  slow.write('x'.repeat(SENT))
  await trial.holds(DECLARED, SENT)
  return slow
}

/** The signals of readers. */
const aborted = new WeakMap<Trial, AbortSignal>()

/** Clients that stand still while others wait for what they hold. */
export const slowClients: readonly Scenario[] = [
  {
    name: 'a sender that stalls while others wait reads a 408 in the framework’s own shape, and they are served',
    once: true,
    async run(trial) {
      const slow = await stalled(trial, '/length')
      assert.equal((await trial.send('POST', '/length', 'next')).text, '4')
      assert.equal(await slow.answer(), 408)
      assert.doesNotMatch(slow.text, new RegExp(String(DECLARED)), 'it is told no figures')
      if (trial.framework.protocol !== 'http2') assert.equal(slow.headers.connection, 'close')
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_TOO_SLOW: 1 })
    },
  },
  {
    name: 'a sender that stalls is not cut while there is room',
    options: { budget: '4MiB' },
    async run(trial) {
      const slow = await stalled(trial, '/length')
      assert.equal((await trial.send('POST', '/length', 'next')).text, '4')
      slow.end('x'.repeat(DECLARED - SENT))
      assert.equal(await slow.answer(), 200)
      assert.deepEqual(trial.refusals, {})
    },
  },
  {
    name: 'what a stalled sender has promised is lent to others, and it finishes once it sends',
    async run(trial) {
      const slow = trial.open('POST', '/length', { length: DECLARED })
      slow.write('x')
      await trial.holds(DECLARED, 1)
      const other = 'x'.repeat(DECLARED / 2)
      assert.equal((await trial.send('POST', '/length', other)).text, String(other.length))
      slow.end('x'.repeat(DECLARED - 1))
      assert.equal(await slow.answer(), 200)
      assert.equal(slow.text, String(DECLARED))
      assert.deepEqual(trial.refusals, {})
    },
  },
  {
    name: 'a reader that stalls while others wait is cut off, its handler hears of an abort, and nothing is left',
    once: true,
    protocols: HTTP1,
    routes: trial => [
      {
        method: 'GET',
        path: '/large',
        handle: exchange => {
          aborted.set(trial, exchange.reservation.signal)
          exchange.reply({ body: Buffer.alloc(16 * MiB) })
        },
      },
    ],
    async run(trial) {
      const reader = await trial.connect()
      reader.pause()
      reader.write(head('GET /large'))
      await trial.until(
        () => trial.budget.reserved > trial.budget.capacity,
        () => `a debt, there is ${trial.budget.reserved}`,
      )
      assert.equal((await trial.send('POST', '/length', 'next')).text, '4')
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_TOO_SLOW: 1 })
      assert.equal(aborted.get(trial)?.aborted, true)
      reader.resume()
      await reader.closed()
      assert.ok(reader.received.length < 16 * MiB, `${reader.received.length} bytes`)
    },
  },
]
