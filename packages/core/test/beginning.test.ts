import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { READ_AHEAD } from '../src/lending.ts'
import { answerFault, type GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, type RawClient } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

const KiB = 1024
const MiB = 1024 * KiB
const BUDGET = 4 * MiB
/** More than one read of the socket, so that some of it stays in the kernel while its request waits. */
const BODY = 100 * KiB

/** Reads the body and keeps it until the test says so. */
class Keeper {
  readonly kept: ServerResponse[] = []

  readonly handler: Handler = async (req: IncomingMessage, res: ServerResponse) => {
    for await (const _ of req);
    this.kept.push(res)
  }

  async keeps(count: number): Promise<void> {
    await until(
      () => this.kept.length === count,
      () => `${count} bodies read, there are ${this.kept.length}`,
    )
  }

  letGo(): void {
    for (const res of this.kept) res.end()
  }
}

/** So many wait with all of their body sent, whose length nobody knows. */
async function waitWithBodies(server: GovernedServer, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  for (let n = 0; n < count; n++) {
    const client = await server.connect()
    client.write(head('POST', `/${n}`, CHUNKED) + chunk('x'.repeat(BODY)) + LAST_CHUNK)
    clients.push(client)
  }
  return clients
}

async function allAnswered(t: Test, clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) {
    t.same(await client.answers(1), [200])
    client.leave()
  }
}

{
  const keeper = new Keeper()
  scenario(
    'what has come of a body while it waited is counted, though it begins with a part',
    {
      options: { budget: BUDGET, maxBody: MiB, cost: ({ declaredBytes = 0 }) => 3 * declaredBytes },
      handler: keeper.handler,
    },
    async (t, server) => {
      const { budget } = server.governor
      const others = budget.charge(BUDGET)
      const clients = await waitWithBodies(server, 1)
      await server.queued(1)
      others.shrink(BUDGET - MiB)
      await keeper.keeps(1)
      t.match(budget, { reserved: BUDGET - MiB + 3 * BODY, lent: 0 })
      keeper.letGo()
      await allAnswered(t, clients)
      others.release()
    },
  )
}

{
  const keeper = new Keeper()
  scenario(
    'who waits for one that begins waits for its body, not for its handler',
    { options: { budget: BUDGET }, handler: keeper.handler },
    async (t, server) => {
      const { budget } = server.governor
      const others = budget.charge(BUDGET)
      const clients = await waitWithBodies(server, 5)
      await server.queued(5)
      others.shrink(MiB)
      await keeper.keeps(5)
      t.match(budget, { reserved: MiB + 5 * BODY, lent: 0 })
      keeper.letGo()
      await allAnswered(t, clients)
      others.release()
    },
  )
}

for (const over of [false, true]) {
  const keeper = new Keeper()
  scenario(
    `who would have waited for one that begins would have waited for its body alone${over ? ', once it is over' : ''}`,
    { options: { budget: BUDGET, mode: 'observe' }, handler: keeper.handler },
    async (t, server) => {
      const large = await server.connect()
      large.write(head('POST', '/large', { 'Content-Length': BUDGET }))
      large.write(Buffer.alloc(BUDGET))
      await keeper.keeps(1)
      const clients = await waitWithBodies(server, 5)
      await keeper.keeps(6)
      t.match(server.governor.stats().observed, { waiting: 5, queued: 5 })
      const [first, ...others] = keeper.kept
      const letOthersGo = async (): Promise<void> => {
        for (const res of others) res.end()
        await allAnswered(t, clients)
      }
      if (over) await letOthersGo()
      first?.end()
      await allAnswered(t, [large])
      await until(() => server.governor.stats().observed.waiting === 0, 'the end of all waiting')
      if (!over) await letOthersGo()
    },
  )
}

/** The most that was reserved while a body was inflated. */
let mostReserved = 0

const inflate: Handler = async (req, res, _reservation, { governor }) => {
  const decoder = createGunzip()
  let bytes = 0
  decoder.on('data', part => {
    bytes += part.length
    mostReserved = Math.max(mostReserved, governor.budget.reserved)
  })
  try {
    await pipeline(req, decoder)
    res.end(String(bytes))
  } catch (error) {
    answerFault(res, error)
  }
}

async function sendEncoded(server: GovernedServer, body: Buffer): Promise<RawClient> {
  const client = await server.connect()
  client.write(head('POST', '/gzip', { ...CHUNKED, 'Content-Encoding': 'gzip' }))
  client.write(`${body.length.toString(16)}\r\n`)
  client.write(body)
  client.write(`\r\n${LAST_CHUNK}`)
  return client
}

scenario(
  'a bomb that begins beside others does not become what they hold',
  { options: { budget: BUDGET }, handler: inflate },
  async (t, server) => {
    const others = server.governor.budget.charge(BUDGET)
    const client = await sendEncoded(server, gzipSync(Buffer.alloc(3 * MiB)))
    await server.queued(1)
    others.shrink(BUDGET - 2 * READ_AHEAD)
    t.same(await client.answers(1), [503])
    await client.receives('ERR_PLIMSOLL_NO_ROOM')
    t.ok(mostReserved <= BUDGET + MiB / 2, `${mostReserved} bytes`)
    client.leave()
    others.release()
  },
)

{
  const keeper = new Keeper()
  scenario(
    'a bomb that would have begun beside others would have been refused',
    {
      options: { budget: BUDGET, mode: 'observe' },
      handler: (...args) => (args[0].url === '/gzip' ? inflate : keeper.handler)(...args),
    },
    async (t, server) => {
      const large = await server.connect()
      large.write(head('POST', '/large', { 'Content-Length': BUDGET - 2 * READ_AHEAD }))
      large.write(Buffer.alloc(BUDGET - 2 * READ_AHEAD))
      await keeper.keeps(1)
      const client = await sendEncoded(server, gzipSync(Buffer.alloc(3 * MiB)))
      await client.receives(String(3 * MiB))
      t.match(server.governor.stats().observed, { waiting: 0, refused: { ERR_PLIMSOLL_NO_ROOM: 1 } })
      client.leave()
      keeper.letGo()
      await allAnswered(t, [large])
    },
  )
}

scenario(
  'what has arrived of an encoded body goes on, as far as it inflates as most do',
  { options: { budget: BUDGET }, handler: inflate },
  async (t, server) => {
    const others = server.governor.budget.charge(BUDGET)
    const client = await sendEncoded(server, gzipSync(Buffer.alloc(300 * KiB)))
    await server.queued(1)
    others.shrink(BUDGET - 2 * READ_AHEAD)
    t.same(await client.answers(1), [200])
    await client.receives(String(300 * KiB))
    client.leave()
    others.release()
  },
)

for (const { cost, status, what } of [
  { cost: 2 * MiB, status: 503, what: 'is refused where there is no room for it' },
  { cost: MiB / 2, status: 200, what: 'has all of it at once' },
]) {
  const seen = { lent: 0, held: 0, most: 0 }
  scenario(
    `a later cost that does not depend on what has arrived, while most of the body is lent, ${what}`,
    {
      options: { budget: BUDGET },
      handler: async (req, res, reservation, { governor }) => {
        const { budget } = governor
        seen.lent = budget.lent
        try {
          governor.admit(req, res, { cost })
          seen.held = reservation.bytes
          for await (const _ of req) seen.most = Math.max(seen.most, budget.reserved)
          res.end()
        } catch (error) {
          answerFault(res, error)
        }
      },
    },
    async (t, server) => {
      const others = server.governor.budget.charge(BUDGET)
      const client = await server.connect()
      client.write(head('POST', '/', CHUNKED) + chunk('x'.repeat(BODY)))
      await server.queued(1)
      others.shrink(BUDGET - MiB)
      await server.reached(1)
      t.ok(seen.lent > 2 * MiB, `${seen.lent} bytes were lent`)
      client.write(chunk('x'.repeat(BODY)) + LAST_CHUNK)
      t.same(await client.answers(1), [status])
      t.equal(seen.held, status === 200 ? cost : 0)
      t.ok(seen.most <= BUDGET, `${seen.most} bytes`)
      client.leave()
      others.release()
    },
  )
}

{
  const keeper = new Keeper()
  scenario(
    'a later cost that finds no room, while most of the body is lent, would have been refused',
    {
      options: { budget: BUDGET, mode: 'observe' },
      handler: (req, res, reservation, server) => {
        if (req.url === '/late') server.governor.admit(req, res, { cost: 2 * MiB })
        return keeper.handler(req, res, reservation, server)
      },
    },
    async (t, server) => {
      const large = await server.connect()
      large.write(head('POST', '/large', { 'Content-Length': BUDGET - MiB }))
      large.write(Buffer.alloc(BUDGET - MiB))
      await keeper.keeps(1)
      const late = await server.connect()
      late.write(head('POST', '/late', CHUNKED) + chunk('x'.repeat(BODY)))
      await server.reached(2)
      t.match(server.governor.stats().observed, { queued: 1, refused: { ERR_PLIMSOLL_NO_ROOM: 1 } })
      late.write(LAST_CHUNK)
      await keeper.keeps(2)
      keeper.letGo()
      await allAnswered(t, [large, late])
    },
  )
}
