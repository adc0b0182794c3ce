import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

const CHUNKS = ['12345', '678', '90']

/** Bodies that are served, however they come. */
export const bodies: readonly Scenario[] = [
  {
    name: 'a body is reserved as declared before it comes, and what arrives is paid in',
    async run(trial) {
      const call = trial.open('POST', '/keep', { length: 10 })
      call.write('12345')
      await trial.holds(10, 5)
      call.end('67890')
      const kept = await trial.handled(1)
      assert.equal(String(kept.body), '1234567890')
      assert.equal(kept.reservation.bytes, 10)
      assert.equal(kept.reservation.released, false)
      kept.reply()
      assert.equal(await call.answer(), 200)
      assert.equal(call.text, 'kept')
    },
  },
  {
    name: 'a body without a length reserves all that may come, and gives the rest back at its end',
    options: { budget: 1000 },
    async run(trial) {
      const call = trial.open('POST', '/keep')
      for (const [n, chunk] of CHUNKS.entries()) {
        call.write(chunk)
        await trial.holds(1000, CHUNKS.slice(0, n + 1).join('').length)
      }
      call.end()
      await trial.holds(10, 10)
      const kept = await trial.handled(1)
      assert.equal(String(kept.body), '1234567890')
      kept.reply()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'the rest of a body without a length admits the next',
    options: { budget: 1000, maxBody: 600 },
    async run(trial) {
      const one = trial.open('POST', '/keep')
      one.write('12345')
      await trial.holds(600)
      const other = trial.open('POST', '/keep')
      other.end('123')
      await trial.queued(1)
      one.end()
      await trial.holds(8)
      for (const nth of [1, 2]) (await trial.handled(nth)).reply()
      assert.deepEqual([await one.answer(), await other.answer()], [200, 200])
    },
  },
  {
    name: 'a body without a length pays by the cost function once its length is known',
    options: {
      budget: 1000,
      maxBody: 100,
      cost: ({ url, declaredBytes = Number.NaN }) => (url === '/keep' ? 50 + 2 * declaredBytes : 0),
    },
    async run(trial) {
      const call = trial.open('POST', '/keep')
      call.write('12345')
      await trial.holds(250)
      call.end()
      await trial.holds(60)
      ;(await trial.handled(1)).reply()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'no body costs nothing, however that is told',
    options: { budget: 1000 },
    async run(trial) {
      const calls = [
        trial.open('GET', '/keep'),
        trial.open('POST', '/keep', { length: 0 }),
        trial.open('POST', '/keep'),
      ]
      calls[2]?.end()
      for (const [n, call] of calls.entries()) {
        const kept = await trial.handled(n + 1)
        await trial.holds(0)
        assert.equal(kept.body.length, 0)
        kept.reply()
        assert.equal(await call.answer(), 200)
      }
    },
  },
  {
    name: 'a large body comes in whole, and is held until it is answered',
    options: { budget: '4MiB' },
    async run(trial) {
      const body = Buffer.alloc(4 * 2 ** 20, 'plimsoll')
      const call = trial.open('POST', '/keep', { length: body.length })
      call.end(body)
      const kept = await trial.handled(1)
      assert.ok(kept.body.equals(body))
      await trial.holds(body.length, body.length)
      kept.reply()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'a body read as a stream reserves a window of it, whatever its length',
    routes: trial => [
      {
        method: 'POST',
        path: '/stream',
        policy: { body: 'stream' },
        unread: true,
        handle: exchange => {
          exchange.req.resume()
          return trial.keepUnread(exchange)
        },
      },
    ],
    async run(trial) {
      const size = 2 ** 19
      const call = trial.open('POST', '/stream', { length: size })
      const kept = await trial.handled(1)
      await trial.holds(128 * 1024)
      call.end(Buffer.alloc(size))
      await trial.holds(128 * 1024, 128 * 1024)
      kept.reply()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'a body without a length that came in while it waited is charged what it is',
    options: { budget: 1000 },
    async run(trial) {
      const room = trial.occupy(1)
      const call = trial.open('POST', '/keep')
      call.end('12345')
      await trial.queued(1)
      room.free()
      const kept = await trial.handled(1)
      await trial.holds(5, 5)
      kept.reply()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'a crowd larger than the budget is served, and never holds more than it',
    options: { budget: 300_000 },
    async run(trial) {
      const calls = Array.from({ length: 30 }, () => trial.open('POST', '/keep', { length: 100_000 }))
      for (const call of calls) call.end(Buffer.alloc(100_000))
      await trial.queued(27)
      for (let nth = 1; nth <= 30; nth++) {
        const kept = await trial.handled(nth)
        assert.ok(trial.budget.reserved <= 300_000, `${trial.budget.reserved} bytes are reserved`)
        kept.reply()
      }
      for (const call of calls) assert.equal(await call.answer(), 200)
    },
  },
]
