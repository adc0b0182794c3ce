import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { CHUNKED, chunk, head } from '../bare-client.ts'
import { assertRefused } from '../refusals.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { turns } from '../until.ts'

const refused = (trial: Trial, code: string): void => {
  assert.deepEqual(trial.refusals, { [code]: 1 })
  assert.equal(trial.kept.length, 0, 'its handler is not called')
}

/** A route whose own policy allows 10 bytes. */
const small = (trial: Trial) => [
  { method: 'POST', path: '/small', policy: { maxBody: 10 }, handle: trial.keep } as const,
]

/** Bodies that are too large. */
export const limits: readonly Scenario[] = [
  {
    name: 'a body larger than maxBody is refused at once, and one as large is served',
    options: { maxBody: 10 },
    async run(trial) {
      assert.equal((await trial.send('POST', '/length', '1234567890')).text, '10')
      const call = await trial.send('POST', '/keep', '12345678901')
      await assertRefused(call, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
      assert.doesNotMatch(call.text, /10/, 'the client is told no limit')
      refused(trial, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    },
  },
  {
    name: 'a body larger than its route allows is refused at once, and on another route served',
    routes: small,
    async run(trial) {
      assert.equal((await trial.send('POST', '/length', '12345678901')).text, '11')
      await assertRefused(await trial.send('POST', '/small', '12345678901'), 'ERR_PLIMSOLL_BODY_TOO_LARGE')
      refused(trial, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    },
  },
  {
    name: 'a body larger than the budget is refused at once, and one as large is served',
    options: { budget: 10 },
    async run(trial) {
      assert.equal((await trial.send('POST', '/length', '1234567890')).text, '10')
      await assertRefused(await trial.send('POST', '/keep', '12345678901'), 'ERR_PLIMSOLL_BODY_OVER_BUDGET')
      refused(trial, 'ERR_PLIMSOLL_BODY_OVER_BUDGET')
    },
  },
  {
    name: 'a body that is too large is refused at once where others wait, too',
    options: { budget: 10, maxBody: 8 },
    async run(trial) {
      const room = trial.occupy()
      const waiting = trial.open('POST', '/length', { length: 8 })
      waiting.end('12345678')
      await trial.queued(1)
      await assertRefused(await trial.send('POST', '/keep', '123456789'), 'ERR_PLIMSOLL_BODY_TOO_LARGE')
      room.free()
      assert.equal(await waiting.answer(), 200)
    },
  },
  {
    name: 'a body without a length is cut where it passes maxBody, and its client reads a 413',
    options: { maxBody: 10 },
    async run(trial) {
      const call = trial.open('POST', '/keep')
      call.write('1234567890')
      await trial.holds(10, 10)
      call.write('1')
      assert.equal(await call.answer(), 413)
      refused(trial, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    },
  },
  {
    name: 'a body without a length is cut where it passes what its route allows',
    routes: small,
    async run(trial) {
      const call = trial.open('POST', '/small')
      call.write('1234567890')
      await trial.holds(10, 10)
      call.write('1')
      assert.equal(await call.answer(), 413)
      call.leave()
      refused(trial, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    },
  },
  {
    name: 'a body without a length is cut where it passes the budget',
    options: { budget: 10 },
    async run(trial) {
      const call = trial.open('POST', '/keep')
      call.write('1234567890')
      await trial.holds(10, 10)
      call.write('1')
      assert.equal(await call.answer(), 413)
      call.leave()
      assert.equal(trial.kept.length, 0)
    },
  },
  {
    name: 'a body without a length is cut where it costs more than was reserved',
    options: { budget: 100, maxBody: 80, cost: ({ declaredBytes = 0 }) => 2 * declaredBytes },
    async run(trial) {
      const call = trial.open('POST', '/keep')
      call.write('1'.repeat(50))
      await trial.holds(100, 50)
      call.write('1')
      assert.equal(await call.answer(), 413)
      call.leave()
      refused(trial, 'ERR_PLIMSOLL_BODY_OVER_BUDGET')
    },
  },
  {
    name: 'a body whose handler leaves it unread is cut likewise, and the handler fails for nothing',
    // HTTP/2 lets nothing come that nobody reads.
    protocols: HTTP1,
    options: { maxBody: 10 },
    async run(trial) {
      const call = trial.open('POST', '/unread')
      const kept = await trial.handled(1)
      call.write('1'.repeat(11))
      // Nobody reads, so only what the socket has taken in by itself is counted.
      assert.equal(await call.answer(), 413)
      kept.reply()
    },
  },
  {
    name: 'a body that passes its limit after the answer has begun cuts the answer, and is released',
    options: { maxBody: 10 },
    async run(trial) {
      const call = trial.open('POST', '/unread')
      const kept = await trial.handled(1)
      const answer = new PassThrough()
      kept.does(() => {
        kept.exchange.req.on('error', error => answer.destroy(error)).pipe(answer)
        return kept.exchange.reply({ body: answer })
      })
      call.write('12345')
      await call.receives('12345')
      call.write('678901')
      await trial.until(() => trial.refusals.ERR_PLIMSOLL_BODY_TOO_LARGE === 1, 'the refusal')
      // Some frameworks cut it, others leave it to its client.
      await turns()
      call.leave()
      await trial.until(() => kept.reservation.released, 'the release')
      assert.equal(call.text, '12345', 'no more comes than is allowed')
    },
  },
  {
    name: 'a body without a length is refused with 411 where one is required',
    options: { requireLength: true },
    async run(trial) {
      assert.equal((await trial.send('POST', '/length', '12345')).text, '5')
      const call = trial.open('POST', '/keep')
      await assertRefused(call, 'ERR_PLIMSOLL_LENGTH_REQUIRED')
      refused(trial, 'ERR_PLIMSOLL_LENGTH_REQUIRED')
    },
  },
  {
    name: 'a cost above the budget without a body is a configuration error, and no invitation to come back',
    options: { budget: 100, cost: ({ url }) => (url === '/keep' ? 101 : 0) },
    async run(trial) {
      await assertRefused(await trial.send('GET', '/keep'), 'ERR_PLIMSOLL_COST_OVER_BUDGET')
      refused(trial, 'ERR_PLIMSOLL_COST_OVER_BUDGET')
    },
  },
  {
    name: 'a chunked body that is cut in one piece with its end is refused, too',
    protocols: HTTP1,
    options: { maxBody: 10 },
    async run(trial) {
      const client = await trial.connect()
      client.write(`${head('POST /keep', CHUNKED)}${chunk('1234567890')}${chunk('1')}0\r\n\r\n`)
      assert.deepEqual(await client.answers(1), [413])
      await client.closed()
      refused(trial, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    },
  },
]
