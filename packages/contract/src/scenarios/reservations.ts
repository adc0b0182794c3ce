import assert from 'node:assert/strict'
import type { PlimsollError } from '@plimsoll/core'
import type { Call } from '../call.ts'
import type { Kept } from '../kept.ts'
import { assertRefused } from '../refusals.ts'
import type { Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { turns } from '../until.ts'

/** The nth request in its handler, with `bytes` of body. */
async function holding(trial: Trial, nth: number, bytes: number): Promise<{ call: Call; kept: Kept }> {
  const call = trial.open('POST', '/keep', { length: bytes })
  call.end('1'.repeat(bytes))
  return { call, kept: await trial.handled(nth) }
}

async function over({ call, kept }: { call: Call; kept: Kept }, trial: Trial): Promise<void> {
  kept.reply()
  assert.equal(await call.answer(), 200)
  await trial.until(() => kept.reservation.released, 'the release')
}

/** What a handler does with what it holds. */
export const reservations: readonly Scenario[] = [
  {
    name: 'a handler grows and shrinks what it holds, and all of it is given back',
    options: { budget: 1000 },
    async run(trial) {
      const request = await holding(trial, 1, 100)
      const { reservation } = request.kept
      assert.equal(reservation.tryGrow(900), true)
      await trial.holds(1000)
      assert.equal(reservation.tryGrow(1), false)
      reservation.shrink(50)
      await trial.holds(50)
      assert.equal(reservation.bytes, 50)
      await over(request, trial)
    },
  },
  {
    name: 'what a handler gives back is granted to those who wait',
    options: { budget: 1000 },
    async run(trial) {
      const first = await holding(trial, 1, 1000)
      const second = trial.open('POST', '/length', { length: 400 })
      second.end('1'.repeat(400))
      await trial.queued(1)
      first.kept.reservation.shrink(600)
      assert.equal(await second.answer(), 200)
      await over(first, trial)
    },
  },
  {
    name: 'after the release nothing has an effect any more',
    options: { budget: 1000 },
    async run(trial) {
      const request = await holding(trial, 1, 100)
      await over(request, trial)
      const { reservation } = request.kept
      assert.equal(reservation.tryGrow(1), false)
      reservation.shrink(0)
      reservation.hold(Promise.resolve())
      await assert.rejects(reservation.requeue(1), { code: 'ERR_PLIMSOLL_RELEASED' })
      assert.deepEqual([reservation.bytes, reservation.released], [0, true])
      await trial.holds(0)
    },
  },
  {
    name: 'requeue gives back what is held, and waits its turn for what is wanted',
    options: { budget: 1000 },
    async run(trial) {
      const first = await holding(trial, 1, 400)
      const second = await holding(trial, 2, 500)
      const { reservation } = first.kept
      first.kept.does(async () => {
        await reservation.requeue(800)
        return first.kept.exchange.reply({ body: `held ${reservation.bytes}` })
      })
      await trial.until(() => trial.budget.waiting === 1, 'it to wait')
      await trial.holds(500)
      await over(second, trial)
      assert.equal(await first.call.answer(), 200)
      assert.equal(first.call.text, 'held 800')
    },
  },
  {
    name: 'a requeue that finds the queue full is a clear refusal, if its handler lets it pass',
    options: { budget: 1000, queue: { limit: 0 } },
    async run(trial) {
      const first = await holding(trial, 1, 400)
      const room = trial.occupy()
      first.kept.does(() => first.kept.reservation.requeue(800))
      assert.equal(await first.call.answer(), 503)
      assert.match(first.call.headers['retry-after'] ?? '', /^\d+$/)
      room.free()
      await trial.until(() => first.kept.reservation.released, 'the release')
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_QUEUE_FULL: 1 })
    },
  },
  {
    name: 'a requeue for more than the budget fails at once',
    options: { budget: 1000 },
    async run(trial) {
      const first = await holding(trial, 1, 400)
      let fault: PlimsollError | undefined
      first.kept.does(async () => {
        try {
          await first.kept.reservation.requeue(1001)
        } catch (error) {
          fault = error as PlimsollError
        }
        return first.kept.exchange.reply({ status: 507, body: '' })
      })
      assert.equal(await first.call.answer(), 507, 'its handler may have another answer')
      assert.equal(fault?.code, 'ERR_PLIMSOLL_COST_OVER_BUDGET')
    },
  },
  ...(['resolves', 'rejects'] as const).map(
    (how): Scenario => ({
      name: `held work keeps its bytes after the answer until it ${how}`,
      options: { budget: 1000 },
      async run(trial) {
        const request = await holding(trial, 1, 400)
        const work = trial.gate()
        const { reservation } = request.kept
        reservation.hold(
          work.promise.then(() => {
            if (how === 'rejects') throw new Error('on purpose')
          }),
        )
        request.kept.reply()
        assert.equal(await request.call.answer(), 200)
        assert.equal((await trial.send('POST', '/length', '12345')).text, '5')
        await turns()
        assert.deepEqual([reservation.bytes, reservation.released], [400, false])
        work.open()
        await trial.until(() => reservation.released, 'the release')
      },
    }),
  ),
  {
    name: 'a budget resized below what is reserved lets those finish, and then admits again',
    options: { budget: 1000 },
    async run(trial) {
      const first = await holding(trial, 1, 800)
      trial.budget.resize(400)
      await trial.holds(800)
      assert.equal(trial.budget.available, 0)
      const second = trial.open('POST', '/length', { length: 300 })
      second.end('1'.repeat(300))
      await trial.queued(1)
      await over(first, trial)
      assert.equal(await second.answer(), 200)
      trial.budget.resize(1000)
    },
  },
  {
    name: 'a budget that was shrunk makes a body wait, and never too large',
    options: { budget: 1000 },
    async run(trial) {
      trial.budget.resize(500)
      const waiting = trial.open('POST', '/length', { length: 800 })
      waiting.end('1'.repeat(800))
      await trial.queued(1)
      assert.equal((await trial.send('POST', '/length', '12345')).status, 200, 'smaller ones go past it')
      trial.budget.resize(1000)
      assert.equal(await waiting.answer(), 200)
    },
  },
  {
    name: 'who waits too long is refused, and told when to come back',
    options: { budget: 1000, queue: { timeoutMs: 1 } },
    async run(trial) {
      const room = trial.occupy()
      const call = trial.open('POST', '/keep', { length: 10 })
      await assertRefused(call, 'ERR_PLIMSOLL_QUEUE_TIMEOUT')
      room.free()
      assert.equal(trial.kept.length, 0)
    },
  },
]
