import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { head } from '../bare-client.ts'
import type { Farewell } from '../dial.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'

/** That who left while waiting is counted, and came to no handler. */
async function forgotten(trial: Trial, room: { free(): void }): Promise<void> {
  await trial.queued(0)
  assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_CLIENT_GONE: 1 })
  room.free()
  await turn()
  assert.equal(trial.kept.length, 0)
}

const KEPT = { cost: 1000 } as const

async function* endlessly(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.alloc(64 * 1024)
    await turn()
  }
}

function whoLeaves(how: Farewell): Scenario[] {
  return [
    {
      name: `a client without a body that ${how} while queued is counted, and its handler never called`,
      options: { cost: 10 },
      async run(trial) {
        const room = trial.occupy()
        const call = trial.open('GET', '/keep')
        await trial.queued(1)
        call.leave(how)
        await forgotten(trial, room)
      },
    },
    {
      name: `a client with a small body that ${how} while queued is counted, and its handler never called`,
      async run(trial) {
        const room = trial.occupy()
        const call = trial.open('POST', '/keep', { length: 1000 })
        call.write('12345')
        await trial.queued(1)
        call.leave(how)
        await forgotten(trial, room)
      },
    },
    {
      name: `a client with a large body that ${how} while queued is found out when there is room`,
      async run(trial) {
        const room = trial.occupy()
        const call = trial.open('POST', '/keep', { length: 2 ** 20 })
        call.write(Buffer.alloc(2 ** 19))
        await trial.queued(1)
        call.leave(how)
        await turn()
        room.free()
        await trial.queued(0)
        await trial.holds(0)
        assert.equal(trial.kept.length, 0)
      },
    },
    {
      name: `uploaders of which each ${how} while queued reach no handler, though it reads nothing`,
      options: { queue: { limit: 20 } },
      async run(trial) {
        const room = trial.occupy()
        const calls = Array.from({ length: 10 }, () => trial.open('POST', '/unread', { length: 2 ** 20 }))
        // More than is read before it waits, so that the end stands behind it.
        for (const call of calls) call.write(Buffer.alloc(200_000))
        await trial.queued(calls.length)
        for (const call of calls) call.leave(how)
        // Who only ends hears no more than that the server does, too.
        if (how === 'ends') await turn()
        else await Promise.all(calls.map(call => call.broken()))
        // There it shows by itself.
        if (trial.framework.protocol === 'http2') await trial.queued(0)
        room.free()
        await trial.queued(0)
        await trial.holds(0)
        assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_CLIENT_GONE: calls.length })
        assert.equal(trial.kept.length, 0)
      },
    },
    {
      name: `a client that ${how} while it uploads frees its bytes`,
      async run(trial) {
        const call = trial.open('POST', '/keep', { length: 500_000 })
        call.write('1'.repeat(100_000))
        await trial.holds(500_000, 100_000)
        call.leave(how)
        await trial.holds(0)
      },
    },
    {
      name: `a client that ${how} amid a body without a length frees its bytes`,
      async run(trial) {
        const call = trial.open('POST', '/keep')
        call.write('12345')
        await trial.holds(2 ** 20, 5)
        call.leave(how)
        await trial.holds(0)
      },
    },
  ]
}

/** Who only ends still reads the answer. */
function whoIsGone(how: Exclude<Farewell, 'ends'>): Scenario[] {
  return [
    {
      name: `a handler that stops by the signal when its client ${how} has nothing in hand any more`,
      options: { cost: 2 ** 19 },
      routes: () => [
        {
          method: 'POST',
          path: '/stops',
          async handle({ body, reservation: { signal } }) {
            await body()
            await once(signal, 'abort')
            throw signal.reason
          },
        },
      ],
      async run(trial) {
        for (let at = 0; at < 4; at++) {
          const call = trial.open('POST', '/stops', { length: 5 })
          call.end('12345')
          await trial.holds(2 ** 19)
          call.leave(how)
          await trial.holds(0)
          await trial.until(() => trial.governor.stats().leftOver === 0, 'its handler to be done')
        }
      },
    },
    {
      name: `a handler that never answers is released when its client ${how}`,
      async run(trial) {
        const call = trial.open('POST', '/keep', { length: 5 })
        call.end('12345')
        const { reservation } = await trial.handled(1)
        const { signal } = reservation
        assert.equal(signal.aborted, false)
        call.leave(how)
        await trial.until(() => signal.aborted, 'the abort of its signal')
        assert.equal(signal.reason.code, 'ERR_PLIMSOLL_CLIENT_GONE')
        await trial.holds(0)
        assert.equal(reservation.released, true)
      },
    },
    {
      name: `a handler that answers when its client ${how} answers in vain`,
      async run(trial) {
        const call = trial.open('POST', '/keep', { length: 5 })
        call.end('12345')
        const kept = await trial.handled(1)
        call.leave(how)
        await trial.until(() => kept.reservation.released, 'the release')
        kept.reply()
        await turn()
      },
    },
    {
      name: `a client that ${how} amid a streamed answer frees its bytes`,
      options: KEPT,
      async run(trial) {
        const call = trial.open('GET', '/keep', { idle: true })
        const kept = await trial.handled(1)
        const { signal } = kept.reservation
        kept.reply({ body: Readable.from(endlessly()) })
        assert.equal(await call.begun(), 200)
        // Beside what the answer has buffered.
        assert.ok(trial.budget.reserved >= 1000)
        call.leave(how)
        await trial.until(() => signal.aborted, 'the abort of its signal')
        await trial.holds(0)
      },
    },
    {
      name: `a client that ${how} amid an answer in one piece frees its bytes`,
      options: KEPT,
      async run(trial) {
        const call = trial.open('GET', '/keep', { idle: true })
        const kept = await trial.handled(1)
        kept.reply({ body: Buffer.alloc(2 ** 25) })
        assert.equal(await call.begun(), 200)
        // Beside what the answer has buffered.
        assert.ok(trial.budget.reserved >= 1000)
        call.leave(how)
        await trial.until(() => kept.reservation.released, 'the release')
      },
    },
    {
      name: `a client that ${how} while its handler waits for more bytes leaves nothing`,
      options: { budget: 1000 },
      async run(trial) {
        const call = trial.open('POST', '/keep', { length: 5 })
        call.end('12345')
        const kept = await trial.handled(1)
        const room = trial.occupy(995)
        let fault: unknown
        kept.does(async () => {
          try {
            await kept.reservation.requeue(600)
          } catch (error) {
            fault = error
            throw error
          }
        })
        await trial.until(() => trial.budget.waiting === 1, 'it to wait')
        call.leave(how)
        await trial.until(() => fault !== undefined, 'its refusal')
        assert.equal((fault as { code?: string }).code, 'ERR_PLIMSOLL_CLIENT_GONE')
        room.free()
      },
    },
  ]
}

/** Clients that leave, in every way and at every time. */
export const aborts: readonly Scenario[] = [
  ...whoLeaves('leaves'),
  ...whoLeaves('resets'),
  ...whoLeaves('ends').map((scenario): Scenario => ({ ...scenario, protocols: HTTP1 })),
  ...whoIsGone('leaves'),
  ...whoIsGone('resets'),
  {
    name: 'those who wait behind a client that is gone are granted its place',
    options: { budget: 10 },
    async run(trial) {
      const room = trial.occupy(4)
      const large = trial.open('POST', '/keep', { length: 10 })
      await trial.queued(1)
      const small = trial.open('POST', '/length', { length: 1 })
      small.end('1')
      await trial.queued(2)
      large.leave()
      assert.equal(await small.answer(), 200)
      room.free()
    },
  },
  {
    name: 'a client that said its last word with its request reads the answer, and its signal does not abort',
    protocols: HTTP1,
    options: KEPT,
    async run(trial) {
      const client = await trial.connect()
      client.write(head('GET /keep'))
      const kept = await trial.handled(1)
      const { signal } = kept.reservation
      client.leave('ends')
      kept.reply({ body: '1'.repeat(10_000) })
      await client.reads(/1{10000}/)
      await client.closed()
      await trial.until(() => kept.reservation.released, 'the release')
      assert.equal(signal.aborted, false)
    },
  },
  {
    name: 'a client that said its last word with its body, while it waits, reads the answer',
    // TLS has no half-open connections in Node.
    protocols: ['http'],
    async run(trial) {
      // Else Node takes any end for an abort. Its types don't know it.
      Object.assign(trial.running.server, { httpAllowHalfOpen: true })
      const room = trial.occupy()
      const client = await trial.connect()
      client.write(`${head('POST /keep', { 'Content-Length': 300_000 })}${'1'.repeat(300_000)}`)
      await trial.queued(1)
      client.leave('ends')
      // It has left, and can be answered all the same.
      await turn()
      room.free()
      const kept = await trial.handled(1)
      assert.equal(kept.body.length, 300_000)
      kept.reply({ body: 'served' })
      await client.reads(/served/)
      await client.closed()
    },
  },
  {
    name: 'the signal of a request that ends well does not abort',
    async run(trial) {
      const call = trial.open('POST', '/keep', { length: 5 })
      call.end('12345')
      const kept = await trial.handled(1)
      const { signal } = kept.reservation
      kept.reply()
      assert.equal(await call.answer(), 200)
      await trial.until(() => kept.reservation.released, 'the release')
      call.leave()
      await turn()
      assert.equal(signal.aborted, false)
    },
  },
]
