import assert from 'node:assert/strict'
import { CHUNKED, chunk, head, LAST_CHUNK } from '../bare-client.ts'
import type { Call } from '../call.ts'
import { assertRefused } from '../refusals.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { turns } from '../until.ts'

/** A client that sends nothing of its body before it is told to go on. */
function asking(trial: Trial, path: string, length?: number): Call {
  return trial.open('POST', path, { length, headers: { expect: '100-continue' } })
}

async function toldToGoOn(trial: Trial, call: Call): Promise<void> {
  await trial.until(() => call.continued > 0, `${call} to be told to go on`)
}

const EXPECT = { Expect: '100-continue' }

/** Clients that ask first, with `Expect: 100-continue`. */
export const expectations: readonly Scenario[] = [
  {
    name: 'a client that asks is told to go on once, and served',
    async run(trial) {
      for (const length of [10, undefined]) {
        const call = asking(trial, '/length', length)
        await toldToGoOn(trial, call)
        call.end('1234567890')
        assert.equal(await call.answer(), 200)
        assert.deepEqual([call.text, call.continued], ['10', 1])
      }
    },
  },
  {
    name: 'a client that asks is told nothing while it waits, and to go on when there is room',
    async run(trial) {
      for (const length of [10, undefined]) {
        const room = trial.occupy()
        const call = asking(trial, '/length', length)
        await trial.queued(1)
        await turns()
        assert.equal(call.continued, 0)
        room.free()
        await toldToGoOn(trial, call)
        call.end('1234567890')
        assert.equal(await call.answer(), 200)
        assert.equal(call.continued, 1)
      }
    },
  },
  {
    name: 'a client that asks and is refused for want of room sends nothing',
    options: { queue: { limit: 0 } },
    async run(trial) {
      const room = trial.occupy()
      for (const length of [10, 2 ** 20, undefined]) {
        const call = asking(trial, '/keep', length)
        await assertRefused(call, 'ERR_PLIMSOLL_QUEUE_FULL')
        assert.equal(call.continued, 0)
      }
      room.free()
      assert.equal(trial.kept.length, 0)
    },
  },
  {
    name: 'a client that asks and waits too long is refused, and sends nothing',
    options: { queue: { timeoutMs: 1 } },
    async run(trial) {
      const room = trial.occupy()
      const call = asking(trial, '/keep', 10)
      await assertRefused(call, 'ERR_PLIMSOLL_QUEUE_TIMEOUT')
      assert.equal(call.continued, 0)
      room.free()
    },
  },
  {
    name: 'a client that asks for too much is refused, and sends nothing',
    options: { maxBody: 1000 },
    async run(trial) {
      const call = asking(trial, '/keep', 1001)
      await assertRefused(call, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
      assert.equal(call.continued, 0)
    },
  },
  {
    name: 'a client that asks and leaves while it waits leaves nothing',
    async run(trial) {
      const room = trial.occupy()
      const call = asking(trial, '/keep', 10)
      await trial.queued(1)
      call.leave()
      await trial.queued(0)
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_CLIENT_GONE: 1 })
      room.free()
    },
  },
  {
    name: 'a client that asks of a route that is exempt is told to go on, though there is no room',
    options: { exempt: ({ url }) => url === '/length' },
    async run(trial) {
      const room = trial.occupy()
      const call = asking(trial, '/length', 10)
      await toldToGoOn(trial, call)
      call.end('1234567890')
      assert.equal(await call.answer(), 200)
      room.free()
    },
  },
  {
    name: 'a client that asks of a route that does not exist has its answer',
    async run(trial) {
      const call = asking(trial, '/nowhere', 5)
      call.end('12345')
      assert.equal(await call.answer(), 404)
    },
  },
  {
    name: 'no byte of a refused body comes, and the connection is closed if the body is large',
    protocols: HTTP1,
    options: { queue: { limit: 0 } },
    async run(trial) {
      const room = trial.occupy()
      for (const framing of [{ 'Content-Length': 2 ** 20 }, CHUNKED]) {
        const client = await trial.connect()
        client.write(head('POST /keep', { ...EXPECT, ...framing }))
        assert.deepEqual(await client.answers(1), [503])
        assert.match(client.last, /\r\nconnection: close\r\n/i)
        await client.closed()
      }
      room.free()
    },
  },
  {
    name: 'a client that was refused and sends its small body after all is served on the same connection',
    protocols: HTTP1,
    options: { queue: { limit: 0 } },
    async run(trial) {
      const room = trial.occupy()
      const client = await trial.connect()
      client.write(head('POST /keep', { ...EXPECT, 'Content-Length': 5 }))
      assert.deepEqual(await client.answers(1), [503])
      room.free()
      if (/\r\nconnection: close\r\n/i.test(client.last)) return
      client.write('12345')
      assert.equal((await client.next()).status, 200)
    },
  },
  {
    name: 'a client that asks again on its connection is told to go on each time',
    protocols: HTTP1,
    async run(trial) {
      const client = await trial.connect()
      for (let n = 0; n < 3; n++) {
        client.write(head('POST /length', { ...EXPECT, ...CHUNKED }))
        assert.equal((await client.answers(2 * n + 1)).at(-1), 100)
        client.write(chunk('12345') + LAST_CHUNK)
        assert.equal((await client.answers(2 * n + 2)).at(-1), 200)
      }
      assert.equal((await client.next()).status, 200)
    },
  },
]
