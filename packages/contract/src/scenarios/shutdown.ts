import assert from 'node:assert/strict'
import { post } from '../bare-client.ts'
import { assertRefused } from '../refusals.ts'
import { HTTP1, type Scenario } from '../scenario.ts'

/** A governor that closes. */
export const shutdown: readonly Scenario[] = [
  {
    name: 'closing refuses those who wait and those who come, and lets the admitted finish',
    options: { budget: 10 },
    closes: true,
    async run(trial) {
      const admitted = trial.open('POST', '/keep', { length: 10 })
      admitted.end('1234567890')
      const kept = await trial.handled(1)
      const waiting = [1, 2].map(() => trial.open('POST', '/keep', { length: 10 }))
      await trial.queued(2)
      let closed = false
      const closing = trial.governor.close().then(() => {
        closed = true
      })
      for (const call of waiting) await assertRefused(call, 'ERR_PLIMSOLL_CLOSED')
      await assertRefused(trial.open('POST', '/keep', { length: 1 }), 'ERR_PLIMSOLL_CLOSED')
      await assertRefused(trial.open('GET', '/keep'), 'ERR_PLIMSOLL_CLOSED')
      assert.equal(closed, false)
      kept.reply()
      assert.equal(await admitted.answer(), 200)
      await closing
      assert.equal(trial.kept.length, 1)
    },
  },
  {
    name: 'closing refuses those who wait for their turn on a connection, in their place',
    protocols: HTTP1,
    options: { budget: 10 },
    closes: true,
    async run(trial) {
      const client = await trial.connect()
      client.write(post('/keep', '1234') + post('/keep', '1234'))
      const kept = await trial.handled(1)
      await trial.queued(1)
      const closing = trial.governor.close()
      await trial.queued(0)
      kept.reply()
      assert.deepEqual(await client.answers(2), [200, 503])
      await closing
    },
  },
  {
    name: 'closing waits no longer than it may, and those under way go on',
    options: { budget: 10 },
    closes: true,
    async run(trial) {
      const admitted = trial.open('POST', '/keep', { length: 10 })
      admitted.end('1234567890')
      const kept = await trial.handled(1)
      await assert.rejects(trial.governor.close({ timeoutMs: 1 }), { code: 'ERR_PLIMSOLL_CLOSE_TIMEOUT' })
      await trial.holds(10)
      kept.reply()
      assert.equal(await admitted.answer(), 200)
      await trial.governor.close()
    },
  },
  {
    name: 'closing refuses who waits for more bytes in its handler no more than before',
    options: { budget: 1000 },
    closes: true,
    async run(trial) {
      const first = trial.open('POST', '/keep', { length: 400 })
      first.end('1'.repeat(400))
      const kept = await trial.handled(1)
      const room = trial.occupy(600)
      kept.does(async () => {
        await kept.reservation.requeue(800)
        return kept.exchange.reply({ body: 'granted' })
      })
      await trial.until(() => trial.budget.waiting === 1, 'it to wait')
      const closing = trial.governor.close()
      room.free()
      assert.equal(await first.answer(), 200)
      await closing
    },
  },
]
