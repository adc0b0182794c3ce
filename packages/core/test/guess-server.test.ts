import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GovernorOptions } from '../src/governor-options.ts'
import type { RoutePolicy } from '../src/route-policy.ts'
import { type GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { head } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

const MiB = 2 ** 20
const CAPACITY = 64 * MiB
/** What a response costs of which nothing is known. */
const GUESS = CAPACITY / 4
const options: GovernorOptions = { budget: CAPACITY, cost: 'auto' }

/** Keeps its responses open, begun as event streams or not. */
function open(begun: boolean): { handler: Handler; held: number[]; end: () => void } {
  const held: number[] = []
  const all: ServerResponse[] = []
  return {
    held,
    handler: (_req, res, reservation) => {
      held.push(reservation.bytes)
      all.push(res)
      if (begun) res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    },
    end: () => {
      for (const res of all) res.end()
    },
  }
}

{
  const streams = open(true)
  scenario(
    'event streams of a route that was not seen yet teach what the others cost, though none is over',
    { options, handler: streams.handler },
    async (t, server) => {
      const answers = Array.from({ length: 24 }, () => server.send('/events'))
      await server.reached(24)
      t.equal(streams.held[0], GUESS)
      t.ok((streams.held.at(-1) as number) < GUESS / 2, 'the last was let in for less')
      streams.end()
      await Promise.all(answers)
    },
  )
}

{
  const streams = open(true)
  scenario(
    'observed ones teach so, too',
    { options: { ...options, mode: 'observe' }, handler: streams.handler },
    async (t, server) => {
      const { governor } = server
      const answers = Array.from({ length: 24 }, () => server.send('/events'))
      await server.reached(24)
      t.same(streams.held, Array(24).fill(GUESS))
      t.equal(governor.stats().observed.waiting, 20)
      await until(() => governor.stats().observed.waiting === 0, 'all to be let in')
      answers.push(server.send('/events'))
      await server.reached(25)
      t.ok((streams.held.at(-1) as number) < GUESS / 2)
      streams.end()
      await Promise.all(answers)
    },
  )
}

{
  const slow = open(false)
  scenario(
    'what has not begun to answer teaches nothing',
    { options, handler: slow.handler },
    async (t, server) => {
      const answers = Array.from({ length: 9 }, () => server.send('/slow'))
      await server.reached(9)
      t.same(slow.held, Array(9).fill(GUESS))
      slow.end()
      await Promise.all(answers)
    },
  )
}

scenario(
  'errors teach little: whoever may not come in does not open the door for those who may',
  {
    options,
    handler: (_req, res, { bytes }) => {
      res.statusCode = 401
      res.end(String(bytes))
    },
  },
  async (t, server) => {
    for (let at = 0; at < 30; at++) await server.send('/secrets')
    const held = Number((await server.send('/secrets')).text)
    t.ok(held > GUESS / 8 && held < GUESS / 2, 'less than at first, but no less than a part of it')
  },
)

scenario(
  'a large budget guesses no more than 64 MiB',
  { options: { ...options, budget: '12GiB' }, handler: (_req, res, { bytes }) => res.end(String(bytes)) },
  async (t, server) => {
    t.equal((await server.send('/new')).text, String(64 * MiB))
  },
)

scenario(
  'nobody is refused as one client too many for what is only guessed',
  {
    options: { ...options, share: { key: 'address', over: 'refuse' } },
    handler: (_req, res) => {
      setTimeout(() => res.end(), 50)
    },
  },
  async (t, server) => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => server.send('/asset')))
    t.same(
      answers.map(({ status }) => status),
      Array(6).fill(200),
    )
  },
)

scenario(
  'but for what is known beside it',
  {
    options: {
      budget: CAPACITY,
      share: { key: 'address', over: 'refuse' },
      cost: ({ declaredBytes = 0 }) => declaredBytes * MiB,
    },
    handler: (_req, res, reservation) => {
      setTimeout(() => res.end(String(reservation.bytes)), 50)
    },
  },
  async (t, server) => {
    const answers = await Promise.all([1, 2].map(() => server.send('/asset', '12 MiB, say')))
    t.same(answers.map(({ status }) => status).sort(), [200, 429])
  },
)

/** Admits once more, as a router does. */
function again(server: GovernedServer, res: ServerResponse, policy: RoutePolicy): void {
  server.governor.admit(res.req as IncomingMessage, res, policy)
}

scenario(
  'a second admission holds what it says, whatever the handler has given back of the first',
  {
    options: { budget: CAPACITY, cost: '20MiB' },
    handler: (_req, res, reservation, server) => {
      const held = [10, 4, 12].map(to => {
        reservation.shrink(10 * MiB)
        again(server, res, { cost: to * MiB })
        return reservation.bytes / MiB
      })
      res.end(held.join())
    },
  },
  async (t, server) => {
    // The last one takes eight more than the four it had.
    t.equal((await server.send('/a')).text, '10,4,12')
  },
)

{
  const slow = open(false)
  const reservations: number[][] = []
  scenario(
    'and so it does after the guess was given back to those who wait',
    {
      options,
      handler: (req, res, reservation, server) => {
        slow.handler(req, res, reservation, server)
        if (slow.held.length > 4) {
          res.end()
          return
        }
        const held: number[] = []
        reservations.push(held)
        const steps: RoutePolicy[] = [{ cost: '6MiB' }, { cost: 'auto' }, { cost: '1MiB' }]
        void until(() => reservation.bytes === 0, 'the guess to be dropped').then(() => {
          for (const policy of steps) {
            again(server, res, policy)
            held.push(reservation.bytes / MiB)
          }
          reservation.shrink(MiB / 2)
          again(server, res, { cost: '1MiB' })
          held.push(reservation.bytes / MiB)
          res.end()
        })
      },
    },
    async (t, server) => {
      await Promise.all(Array.from({ length: 5 }, () => server.send('/a')))
      t.same(reservations, Array(4).fill([6, 0, 1, 0.5]))
    },
  )
}

{
  const BODY = 24 * MiB
  let held: number | undefined
  let res: ServerResponse | undefined
  scenario(
    'of a body that takes nearly all there is, no more of the guess is given back than there was room for',
    {
      options: { ...options, maxBody: '30MiB' },
      handler: (req, response, reservation) => {
        if (req.method !== 'POST') {
          response.end()
          return
        }
        req.resume()
        res = response
        req.on('end', () => {
          held = reservation.bytes
        })
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', { 'Transfer-Encoding': 'chunked' }))
      client.write(`${BODY.toString(16)}\r\n`)
      client.write(Buffer.alloc(BODY))
      client.write('\r\n0\r\n\r\n')
      await until(() => held !== undefined, 'its body')
      const waits = server.send('/b')
      await server.queued(1)
      const { governor } = server
      await until(() => governor.stats().reserved < (held as number), 'the guess to be given back')
      t.equal(governor.stats().reserved, 64 * 1024 + 2.5 * BODY, 'what its body takes is held')
      res?.end()
      await waits
    },
  )
}
