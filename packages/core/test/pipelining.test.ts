import type { ServerResponse } from 'node:http'
import type { RequestReservation } from '../src/governed-request.ts'
import { type Handler, scenario } from './fixtures/governed-server.ts'
import { head, post } from './fixtures/raw-client.ts'
import { promisesSettled } from './fixtures/settled.ts'

const PATHS = Array.from({ length: 10 }, (_, n) => `/${n}`)

interface Open {
  readonly res: ServerResponse
  readonly reservation: RequestReservation
}

/** Keeps what it gets, for the test to answer. */
function keeping(): { open: Open[]; handler: Handler } {
  const open: Open[] = []
  return {
    open,
    handler: (req, res, reservation) => {
      req.resume()
      open.push({ res, reservation })
    },
  }
}

for (const budget of [10, 1000]) {
  const { open, handler } = keeping()
  scenario(
    `ten pipelined requests are admitted in their order, one at a time, with a budget of ${budget}`,
    { options: { budget }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(PATHS.map(path => post(path, '123456')).join(''))
      for (const n of PATHS.keys()) {
        await server.reached(n + 1)
        await server.queued(9 - n)
        await promisesSettled()
        t.same(server.handled, PATHS.slice(0, n + 1))
        t.match(server.governor.stats(), { active: 1, reserved: 6 })
        open.pop()?.res.end(`answer ${n}`)
      }
      t.same(await client.answers(10), Array(10).fill(200))
      t.same(
        client.received.match(/answer \d/g),
        PATHS.map((_, n) => `answer ${n}`),
      )
    },
  )

  for (const served of [0, 1, 5]) {
    const { open, handler } = keeping()
    scenario(
      `ten pipelined requests are all released when the connection is cut after ${served} answers, with a budget of ${budget}`,
      { options: { budget }, handler },
      async (t, server) => {
        const client = await server.connect()
        client.write(PATHS.map(path => post(path, '123456')).join(''))
        for (let n = 0; n < served; n++) {
          await server.reached(n + 1)
          open[n]?.res.end()
          await client.answers(n + 1)
        }
        await server.reached(served + 1)
        await server.queued(9 - served)
        client.reset()
        await server.idle()
        t.equal(server.handled.length, served + 1, 'none of those that waited came to its handler')
        t.match(server.governor.stats(), {
          admitted: served + 1,
          released: served + 1,
          refused: { ERR_PLIMSOLL_CLIENT_GONE: 9 - served },
        })
      },
    )
  }
}

{
  const { open, handler } = keeping()
  scenario(
    'answers that stand behind another when the connection is cut release, too',
    { options: { budget: 100 }, handler },
    async (t, server) => {
      const client = await server.connect()
      // They cost nothing at first, so they are all in their handlers.
      client.write(PATHS.map(path => head('GET', path)).join(''))
      await server.reached(10)
      for (const { reservation } of open) t.ok(reservation.tryGrow(10))
      t.equal(server.governor.budget.reserved, 100)
      // On Node 20 and 22 these never emit 'close'.
      for (const { res } of open.slice(1)) res.end('later')
      client.reset()
      await server.idle()
      t.match(server.governor.stats(), { admitted: 10, released: 10 })
      t.ok(open.every(({ reservation }) => reservation.released && reservation.signal.aborted))
    },
  )
}

{
  const { open, handler } = keeping()
  scenario(
    'a pipelined request waits for its turn even where a free one is before it',
    { options: { budget: 100 }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('GET', '/free') + post('/paid', '12345') + head('GET', '/free/too'))
      await server.reached(2)
      await promisesSettled()
      t.same(server.handled, ['/free', '/free/too'])
      t.match(server.governor.stats(), { waiting: 1, reserved: 0 })
      open[0]?.res.end()
      await server.reached(3)
      t.same(server.handled, ['/free', '/free/too', '/paid'])
      for (const { res } of open) res.end()
      t.same(await client.answers(3), [200, 200, 200])
    },
  )
}

{
  const { open, handler } = keeping()
  scenario(
    'to wait for its turn takes a pipelined request no place in the queue',
    { options: { budget: 100, queue: { limit: 0 } }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(PATHS.map(path => post(path, '1')).join(''))
      for (let n = 0; n < 10; n++) {
        await server.reached(n + 1)
        open[n]?.res.end()
      }
      t.same(await client.answers(10), Array(10).fill(200))
      t.same(server.governor.stats().refused, {})
      t.same(server.handled, PATHS)
    },
  )
}

{
  const { open, handler } = keeping()
  scenario(
    'pipelined requests of two connections do not hold each other up',
    { options: { budget: 10 }, handler },
    async (t, server) => {
      const [one, other] = [await server.connect(), await server.connect()]
      one.write(post('/one/1', '1234567') + post('/one/2', '1234567'))
      await server.reached(1)
      other.write(post('/other/1', '123') + post('/other/2', '123'))
      await server.reached(2)
      t.same(server.handled, ['/one/1', '/other/1'])
      for (let n = 0; n < 4; n++) {
        await server.reached(Math.min(4, n + 1))
        open.shift()?.res.end()
      }
      t.same([...(await one.answers(2)), ...(await other.answers(2))], [200, 200, 200, 200])
    },
  )
}

{
  const { open, handler } = keeping()
  scenario(
    'held work of one request keeps its bytes and not the next one on its connection',
    { options: { budget: 10 }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/1', '1234') + post('/2', '1234'))
      await server.reached(1)
      let done: () => void = () => {}
      open[0]?.reservation.hold(
        new Promise<void>(resolve => {
          done = resolve
        }),
      )
      open[0]?.res.end()
      await server.reached(2)
      t.match(server.governor.stats(), { active: 2, reserved: 8 })
      open[1]?.res.end()
      t.same(await client.answers(2), [200, 200])
      done()
    },
  )
}

{
  const { open, handler } = keeping()
  scenario(
    'a large upload that waited for nothing but its turn keeps the connection',
    { options: { budget: '1MiB' }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/0', '12345') + post('/1', 'a'.repeat(100_000)))
      await server.reached(1)
      await server.queued(1)
      open[0]?.res.end()
      await server.reached(2)
      open[1]?.res.end()
      t.same(await client.answers(2), [200, 200])
      t.notMatch(client.received, /Connection: close/i)
    },
  )
}

const KiB = 1024

for (const [how, answer] of [
  ['writes', (res: ServerResponse) => res.write(Buffer.alloc(64 * KiB))],
  ['ends with', (res: ServerResponse) => res.end(Buffer.alloc(64 * KiB))],
] as const) {
  const { open, handler } = keeping()
  scenario(
    `what a response ${how} behind another is held, until it is out or the connection is over`,
    { options: { budget: '64MiB' }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(PATHS.map(path => head('GET', path)).join(''))
      await server.reached(10)
      t.equal(server.governor.stats().reserved, 0)
      for (const { res } of open.slice(1)) answer(res)
      const { reserved } = server.governor.stats()
      t.ok(reserved >= 9 * 48 * KiB, `${reserved} bytes are held`)
      open[0]?.res.end()
      if (how === 'ends with') {
        t.same(await client.answers(10), Array(10).fill(200))
        await server.idle()
      } else {
        await client.answers(2)
        client.leave()
      }
    },
  )
}

const { open: openReaders, handler: keepReaders } = keeping()
scenario(
  'a reader who does not take what is buffered for many pipelined requests is cut off where others wait',
  { options: { budget: '4MiB' }, handler: keepReaders },
  async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    client.write(PATHS.map(path => head('GET', path)).join(''))
    await server.reached(10)
    for (const { res } of openReaders) res.end(Buffer.alloc(1024 * KiB))
    t.equal(server.governor.stats().available, 0)
    const next = server.send('/next', Buffer.alloc(1024 * KiB))
    t.match(await next, { status: 200 })
    t.ok((server.governor.stats().refused.ERR_PLIMSOLL_TOO_SLOW ?? 0) >= 1)
    client.socket.resume()
    await client.closed()
  },
)
