import assert from 'node:assert/strict'
import { type BareClient, CHUNKED, chunk, head, post } from '../bare-client.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { turns } from '../until.ts'

const PATHS = Array.from({ length: 10 }, (_, n) => `/keep?${n}`)

async function pipelined(trial: Trial): Promise<BareClient> {
  const client = await trial.connect()
  client.write(PATHS.map(path => post(path, '123456')).join(''))
  return client
}

const closes = /\r\nconnection: close\r\n/i

/** Connections that carry more than one request. All of HTTP/1. */
const scenarios: Omit<Scenario, 'protocols'>[] = [
  ...[10, 1000].map(
    (budget): Scenario => ({
      name: `ten pipelined requests are admitted in their order, one at a time, with a budget of ${budget}`,
      options: { budget },
      async run(trial) {
        const client = await pipelined(trial)
        for (const n of PATHS.keys()) {
          const kept = await trial.handled(n + 1)
          await trial.queued(9 - n)
          await turns()
          assert.deepEqual(
            trial.kept.map(({ path }) => path),
            PATHS.slice(0, n + 1),
          )
          await trial.holds(6)
          kept.reply({ body: `answer ${n}` })
        }
        assert.deepEqual(await client.answers(10), Array(10).fill(200))
        await client.reads(/answer 9/)
        assert.deepEqual(
          client.received.match(/answer \d/g),
          PATHS.map((_, n) => `answer ${n}`),
        )
      },
    }),
  ),
  ...[0, 1, 5].map(
    (served): Scenario => ({
      name: `ten pipelined requests are all released when the connection is cut after ${served} answers`,
      options: { budget: 10 },
      async run(trial) {
        const client = await pipelined(trial)
        for (let n = 0; n < served; n++) {
          ;(await trial.handled(n + 1)).reply()
          await client.answers(n + 1)
        }
        await trial.handled(served + 1)
        await trial.queued(9 - served)
        client.leave('resets')
        await trial.queued(0)
        await trial.holds(0)
        assert.equal(trial.kept.length, served + 1, 'none of those that waited came to its handler')
        assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_CLIENT_GONE: 9 - served })
      },
    }),
  ),
  {
    name: 'answers that stand behind another when the connection is cut release, too',
    async run(trial) {
      const client = await trial.connect()
      // They cost nothing at first, so they are all in their handlers.
      client.write(PATHS.map(path => head(`GET ${path}`)).join(''))
      const last = await trial.handled(10)
      for (const { reservation } of trial.kept) assert.ok(reservation.tryGrow(10))
      await trial.holds(100)
      // On Node 20 and 22 these never emit 'close'.
      for (const kept of trial.kept.slice(1)) kept.reply({ body: 'later' })
      await turns()
      assert.equal(last.reservation.released, false)
      client.leave('resets')
      await trial.holds(0)
      assert.ok(trial.kept.every(({ reservation }) => reservation.released))
    },
  },
  {
    name: 'a refusal amid pipelined requests keeps its place, and the next is served',
    options: { maxBody: 10 },
    async run(trial) {
      const client = await trial.connect()
      client.write(post('/keep', '12345') + post('/keep', '12345678901') + post('/length', '12345'))
      const kept = await trial.handled(1)
      await turns()
      assert.deepEqual(client.statuses, [])
      kept.reply()
      assert.deepEqual(await client.answers(3), [200, 413, 200])
    },
  },
  {
    name: 'held work of one request keeps its bytes and not the next one on its connection',
    options: { budget: 10 },
    async run(trial) {
      const client = await trial.connect()
      client.write(post('/keep', '1234') + post('/keep', '1234'))
      const first = await trial.handled(1)
      const work = trial.gate()
      first.reservation.hold(work.promise)
      first.reply()
      const second = await trial.handled(2)
      await trial.holds(8)
      second.reply()
      assert.deepEqual(await client.answers(2), [200, 200])
      work.open()
    },
  },
  {
    name: 'a connection whose small body was refused with 413 carries the next request',
    options: { maxBody: 10 },
    async run(trial) {
      const client = await trial.connect()
      for (let n = 0; n < 3; n++) {
        client.write(post('/keep', '12345678901'))
        assert.equal((await client.answers(2 * n + 1)).at(-1), 413)
        assert.doesNotMatch(client.last, closes)
        assert.equal((await client.next()).status, 200)
      }
    },
  },
  {
    name: 'a connection whose small body was refused with 503 carries the next request',
    options: { queue: { limit: 0 } },
    async run(trial) {
      const client = await trial.connect()
      for (let n = 0; n < 3; n++) {
        const room = trial.occupy()
        client.write(post('/keep', '1234567890'))
        assert.equal((await client.answers(2 * n + 1)).at(-1), 503)
        assert.doesNotMatch(client.last, closes)
        room.free()
        assert.equal((await client.next()).status, 200)
      }
    },
  },
  ...[
    { framing: 'with a length', start: head('POST /keep', { 'Content-Length': 2 ** 19 }) },
    { framing: 'without one', start: head('POST /keep', CHUNKED) + chunk('12345') },
  ].map(
    ({ framing, start }): Scenario => ({
      name: `a connection whose large body ${framing} was refused is closed, and its client told so`,
      options: { queue: { limit: 0 } },
      async run(trial) {
        const room = trial.occupy()
        const client = await trial.connect()
        client.write(start)
        assert.deepEqual(await client.answers(1), [503])
        assert.match(client.last, closes)
        await client.closed()
        room.free()
      },
    }),
  ),
  {
    name: 'a connection carries requests that waited, one after the other',
    options: { budget: 10 },
    async run(trial) {
      const client = await trial.connect()
      for (let n = 0; n < 3; n++) {
        const room = trial.occupy()
        client.write(post('/length', '1234567890'))
        await trial.queued(1)
        room.free()
        assert.equal((await client.answers(2 * n + 1)).at(-1), 200)
        assert.equal((await client.next()).status, 200)
      }
    },
  },
  {
    name: 'a request over HTTP/1.0 is served, and its connection closed',
    async run(trial) {
      const client = await trial.connect()
      client.write('POST /length HTTP/1.0\r\nContent-Length: 5\r\n\r\n12345')
      assert.deepEqual(await client.answers(1), [200])
      await client.reads(/\r\n\r\n5$/)
      await client.closed()
    },
  },
]

export const connections: readonly Scenario[] = scenarios.map(scenario => ({ ...scenario, protocols: HTTP1 }))
