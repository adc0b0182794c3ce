import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import t from 'tap'
import { Governor, reservationOf } from '../src/governor.ts'
import { type GovernedServer, scenario } from './fixtures/governed-server.ts'
import { listening } from './fixtures/http-servers.ts'
import { head, post, RawClient } from './fixtures/raw-client.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const MIB = 2 ** 20
/** So that a quarter is 16 MiB. */
const BUDGET = 64 * MIB
const COST = 8 * MIB
/** What fits in budget and quarter. */
const MOST = (BUDGET * 5) / 4 / COST

/** Handlers that work until they are told to be done. */
function workshop() {
  const working: ServerResponse[] = []
  return {
    working,
    handler: (_req: unknown, res: ServerResponse) => void working.push(res),
    finish: () => {
      for (const res of working.splice(0)) res.end('done')
    },
  }
}

/** Clients that send their body one after the other, and leave as soon as it is worked on, or waits. */
async function comeAndGo(server: GovernedServer, clients: number): Promise<void> {
  for (let i = 0; i < clients; i++) {
    const { handled } = server
    const before = handled.length
    const client = await server.connect()
    client.write(post('/work', 'body'))
    await until(() => handled.length > before || server.governor.stats().waiting > 0, 'its turn')
    client.leave()
    await server.queued(0)
    await until(() => server.governor.stats().active === 0, 'its end')
  }
}

const options = { budget: BUDGET, cost: COST }

{
  const { working, handler, finish } = workshop()
  scenario(
    'what is worked on for clients that have gone is not given to others, beyond a quarter of the budget',
    { options, handler },
    async (t, server) => {
      await comeAndGo(server, 3 * MOST)
      t.equal(working.length, MOST, 'no more than fit')
      t.match(server.governor.stats(), { reserved: 0, available: 0, leftOver: MOST * COST })
      const waiting = server.send('/waits', 'body')
      await server.queued(1)
      finish()
      await until(() => working.length === 1, 'room')
      t.match(server.governor.stats(), { leftOver: 0, reserved: COST, waiting: 0 })
      finish()
      t.match(await waiting, { status: 200, text: 'done' })
    },
  )
}

{
  const { working, handler, finish } = workshop()
  scenario(
    'a client or two that leave hold up nobody, whatever becomes of their handlers',
    { options, handler },
    async (t, server) => {
      await comeAndGo(server, 2)
      t.match(server.governor.stats(), { leftOver: 2 * COST, reserved: 0, available: BUDGET })
      finish()
      t.equal(server.governor.stats().leftOver, 0)
      t.equal(working.length, 0)
    },
  )
}

scenario(
  'what ends with its client is no work for nobody',
  {
    options: { budget: BUDGET },
    handler: (req, res, reservation) => {
      reservation.tryGrow(COST)
      if (req.url === '/streams') res.write('some')
    },
  },
  async (t, server) => {
    for (const [path, sent] of [
      ['/streams', post('/streams', 'body')],
      ['/half', head('POST', '/half', { 'Content-Length': 1000 })],
    ] as const) {
      const client = await server.connect()
      client.write(sent)
      await until(() => server.handled.includes(path), 'its handler')
      client.leave()
      await server.idle()
      t.equal(server.governor.stats().leftOver, 0, path)
    }
  },
)

for (const [name, end] of [
  ['rejects', (signal: AbortSignal): Promise<never> => Promise.reject(signal.reason)],
  ['returns', (): Promise<void> => Promise.resolve()],
] as const) {
  t.test(`a handler that ${name} as its client leaves has nothing in hand any more`, async t => {
    const governor = new Governor({ budget: BUDGET, cost: BUDGET / 2, logger: silent })
    let begun = 0
    const server = createServer(
      governor.listener(async req => {
        const { signal } = reservationOf(req)
        begun++
        await once(signal, 'abort')
        return end(signal)
      }),
    )
    const port = await listening(t, server)
    for (let at = 1; at <= 4; at++) {
      const client = await RawClient.connect(port)
      client.write(post('/work', 'body'))
      await until(() => begun === at, 'its handler')
      client.leave()
      await until(() => governor.stats().active === 0, 'its end')
      await until(() => governor.stats().leftOver === 0, 'its handler to be done')
    }
  })
}
