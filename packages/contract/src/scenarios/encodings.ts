import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { Call } from '../call.ts'
import { CODINGS, Inflating } from '../codings.ts'
import type { Exchange } from '../framework.ts'
import { assertRefused } from '../refusals.ts'
import type { Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** What came out of decoders, the last request last. */
const outcomes = new WeakMap<Trial, Inflating[]>()

/** Inflates a body on its way, and keeps it: `/inflate` as it comes, `/inflate-stream` as a stream. */
const inflating = (trial: Trial) => {
  const all: Inflating[] = []
  outcomes.set(trial, all)
  const handle = async (exchange: Exchange): Promise<unknown> => {
    const inflating = new Inflating()
    all.push(inflating)
    await inflating.read(exchange.req)
    return trial.keepUnread(exchange)
  }
  return [
    { method: 'POST', path: '/inflate', unread: true, handle } as const,
    { method: 'POST', path: '/small', unread: true, policy: { maxBody: 100 * KiB }, handle } as const,
    { method: 'POST', path: '/stream', unread: true, policy: { body: 'stream' }, handle } as const,
    { method: 'POST', path: '/exempt', unread: true, policy: false, handle } as const,
  ]
}

const bytesOut = (trial: Trial): number => outcomes.get(trial)?.at(-1)?.bytes ?? 0

function post(trial: Trial, coding: string, body: Buffer, { path = '/inflate', length = true } = {}): Call {
  const call = trial.open('POST', path, {
    ...(length && { length: body.length }),
    headers: { 'content-encoding': coding },
  })
  call.end(body)
  return call
}

/** A little that becomes a lot. */
const bombs = CODINGS.map(({ name, encode }) => ({ name, body: encode(Buffer.alloc(16 * MiB)) }))

/** Bodies that become more than they were. */
export const encodings: readonly Scenario[] = [
  {
    name: 'what an encoded body becomes is what it costs',
    options: { budget: '4MiB' },
    routes: inflating,
    async run(trial) {
      const data = Buffer.alloc(MiB, 'plimsoll')
      let nth = 0
      for (const { name, encode } of CODINGS) {
        for (const length of [true, false]) {
          const call = post(trial, name, encode(data), { length })
          const kept = await trial.handled(++nth)
          await trial.holds(MiB)
          const [part] = outcomes.get(trial)?.at(-1)?.parts ?? []
          assert.ok(part && data.subarray(0, part.length).equals(part), name)
          kept.reply()
          assert.equal(await call.answer(), 200, name)
          await trial.holds(0)
        }
      }
    },
  },
  {
    name: 'an encoded body reserves eight times its length, never more than is allowed, and gives back the rest',
    options: { budget: '1MiB', maxBody: '300KiB' },
    routes: inflating,
    async run(trial) {
      const body = gzipSync(Buffer.alloc(10 * KiB, 'plimsoll'))
      const call = trial.open('POST', '/inflate', {
        length: body.length,
        headers: { 'content-encoding': 'gzip' },
      })
      await trial.holds(8 * body.length)
      call.end(body)
      await trial.holds(10 * KiB)
      ;(await trial.handled(1)).reply()
      assert.equal(await call.answer(), 200)
      const large = trial.open('POST', '/inflate', {
        length: 100 * KiB,
        headers: { 'content-encoding': 'gzip' },
      })
      await trial.holds(300 * KiB)
      large.leave()
    },
  },
  {
    name: 'an encoded body is cut where it becomes more than the budget, and its client reads a 413',
    routes: inflating,
    async run(trial) {
      for (const { name, body } of bombs) {
        const call = post(trial, name, body)
        assert.equal(await call.answer(), 413, name)
        await trial.holds(0)
        assert.ok(bytesOut(trial) <= MiB, `${bytesOut(trial)} bytes of ${name}`)
      }
      assert.equal(trial.kept.length, 0)
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_BODY_OVER_BUDGET: bombs.length })
    },
  },
  {
    name: 'an encoded body is cut where it becomes more than its route allows, exempt or not, held or not',
    options: { maxBody: 200 * KiB },
    routes: inflating,
    async run(trial) {
      for (const { name, body } of bombs) {
        for (const [path, limit] of [
          ['/inflate', 200],
          ['/small', 100],
          ['/stream', 200],
          ['/exempt', 200],
        ] as const) {
          const call = post(trial, name, body, { path })
          assert.equal(await call.answer(), 413, `${name} to ${path}`)
          await trial.holds(0)
          assert.ok(bytesOut(trial) <= limit * KiB, `${bytesOut(trial)} bytes of ${name}`)
        }
      }
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_BODY_TOO_LARGE: 4 * bombs.length })
    },
  },
  {
    name: 'an encoded body that finds no room to grow is refused, and told when to come back',
    routes: inflating,
    async run(trial) {
      const body = gzipSync(Buffer.alloc(500 * KiB))
      const call = trial.open('POST', '/inflate', {
        length: body.length,
        headers: { 'content-encoding': 'gzip' },
      })
      await trial.holds(8 * body.length)
      const room = trial.occupy()
      call.end(body)
      assert.equal(await call.answer(), 503)
      assert.match(call.headers['retry-after'] ?? '', /^\d+$/)
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_NO_ROOM: 1 })
      room.free()
    },
  },
  {
    name: 'an encoded body read as a stream holds a window of it, however much it becomes',
    routes: inflating,
    async run(trial) {
      for (const [n, { name, body }] of bombs.entries()) {
        const call = post(trial, name, body, { path: '/stream' })
        const kept = await trial.handled(n + 1)
        assert.equal(bytesOut(trial), 16 * MiB)
        assert.ok(kept.reservation.bytes <= 128 * KiB, `${kept.reservation.bytes} bytes`)
        kept.reply()
        assert.equal(await call.answer(), 200)
      }
    },
  },
  {
    name: 'a handler that pipes an encoded body and listens to no error is answered for',
    routes: trial => [
      {
        method: 'POST',
        path: '/pipe',
        unread: true,
        handle: exchange => {
          const [decoder] = CODINGS[0]?.decoders() ?? []
          if (decoder) exchange.req.pipe(decoder).resume()
          return trial.keepUnread(exchange)
        },
      },
    ],
    async run(trial) {
      const call = post(trial, 'gzip', bombs[0]?.body as Buffer, { path: '/pipe' })
      const kept = await trial.handled(1)
      assert.equal(await call.answer(), 413)
      kept.reply()
    },
  },
  {
    name: 'a coding that nobody undoes costs what arrives',
    options: { budget: 1000 },
    routes: inflating,
    async run(trial) {
      for (const [n, coding] of ['x-nobody-knows', 'gzip, x-own', 'Identity', ''].entries()) {
        const call = post(trial, coding, Buffer.from('1234567890'))
        const kept = await trial.handled(n + 1)
        assert.equal(bytesOut(trial), 10)
        await trial.holds(10, 10)
        kept.reply()
        assert.equal(await call.answer(), 200)
      }
    },
  },
  {
    name: 'a route that accepts no encoded body refuses it with 415 and says what it accepts',
    options: { acceptEncoded: false },
    async run(trial) {
      for (const coding of ['gzip', 'x-nobody-knows', 'identity, gzip']) {
        const call = post(trial, coding, Buffer.from('1234567890'), { path: '/keep' })
        await assertRefused(call, 'ERR_PLIMSOLL_ENCODING')
        assert.equal(call.headers['accept-encoding'], 'identity')
      }
      assert.equal(trial.kept.length, 0, 'its handler is not called')
      const plain = post(trial, 'identity', Buffer.from('1234567890'), { path: '/length' })
      assert.equal(await plain.answer(), 200)
      const empty = trial.open('POST', '/unread', { length: 0, headers: { 'content-encoding': 'gzip' } })
      ;(await trial.handled(1)).reply()
      assert.equal(await empty.answer(), 200, 'no body is in no coding')
    },
  },
  {
    name: 'a client that leaves in the middle of an encoded body leaves nothing behind',
    routes: inflating,
    async run(trial) {
      const body = gzipSync(Buffer.alloc(MiB / 2))
      for (const how of ['leaves', 'resets'] as const) {
        const call = trial.open('POST', '/inflate', {
          length: body.length,
          headers: { 'content-encoding': 'gzip' },
        })
        call.write(body.subarray(0, -20))
        await trial.until(() => trial.budget.paidIn >= 400 * KiB, 'most of it')
        call.leave(how)
        await trial.holds(0)
      }
      assert.deepEqual(trial.refusals, {})
    },
  },
]
