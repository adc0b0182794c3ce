import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { GovernedRequest } from '../src/governed-request.ts'
import { lookForClient } from '../src/look-for-client.ts'
import { anyValue } from './fixtures/any-value.ts'
import { deferred } from './fixtures/deferred.ts'
import { type GovernedServer, scenario } from './fixtures/governed-server.ts'
import { head, type RawClient } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

/** What is read of a request before its handler has it. */
const arrived: number[] = []

scenario(
  'of an upload that waited no more is read than it was granted',
  {
    options: { budget: 300_000, body: 'stream', cost: '128KiB' },
    handler: (req, res) => {
      arrived.push(req.readableLength)
      req.resume().on('end', () => res.end())
    },
  },
  async (t, server) => {
    const room = server.governor.budget.charge(300_000)
    const client = await server.connect()
    client.write(head('POST', '/a', { 'Content-Length': 4_000_000 }))
    client.write(Buffer.alloc(4_000_000))
    await server.queued(1)
    room.release()
    t.same(await client.answers(1), [200])
    const [bytes = 0] = arrived
    // One read more may have been under way.
    t.ok(bytes > 65_536 && bytes <= 3 * 65_536, `${bytes} bytes`)
  },
)

scenario(
  'a client that sends nothing while it waits is served once it goes on',
  { options: { budget: 1000 } },
  async (t, server) => {
    const room = server.governor.budget.charge(1000)
    const client = await server.connect()
    client.write(head('POST', '/a', { 'Content-Length': 1000 }))
    await server.queued(1)
    room.release()
    await server.reached(1)
    client.write('a'.repeat(1000))
    t.same(await client.answers(1), [200])
  },
)

/** Sends a body of 500,000 bytes and an end while it waits for room, which there is then. */
async function sendsAllAndEnds(server: GovernedServer): Promise<RawClient> {
  const room = server.governor.budget.charge(8 * 2 ** 20)
  const client = await server.connect()
  client.write(head('POST', '/a', { 'Content-Length': 500_000 }))
  client.write(Buffer.alloc(500_000))
  await server.queued(1)
  // What it has written is its kernel's to send.
  client.socket.end()
  await until(() => client.socket.writableFinished, 'its end')
  room.release()
  return client
}

scenario(
  'a client that has sent all of its body and left while it waited reaches no handler',
  { options: { budget: '8MiB' } },
  async (t, server) => {
    const client = await sendsAllAndEnds(server)
    await client.closed()
    await server.idle()
    t.same(server.handled, [])
    t.match(server.governor.stats(), { refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 }, admitted: 0 })
  },
)

scenario(
  'a client that has sent all of its body and said that it was the last is answered, where the server lets it',
  { options: { budget: '8MiB', cost: '1MiB' } },
  async (_t, server) => {
    Object.assign(server.http, { httpAllowHalfOpen: true })
    const client = await sendsAllAndEnds(server)
    await client.receives('500000')
  },
)

{
  const seen = deferred()
  scenario(
    'a server that closes while it looks for a client refuses him',
    { options: { budget: 1000 }, closes: true },
    async (t, server) => {
      const room = server.governor.budget.charge(1000)
      const client = await server.connect()
      client.write(head('POST', '/a', { 'Content-Length': 1000 }))
      await server.queued(1)
      room.release()
      // The grant is a promise's turn away, and a turn of the loop is not over.
      queueMicrotask(() => queueMicrotask(() => seen.resolve()))
      await seen.promise
      await server.governor.close()
      t.same(await client.answers(1), [503])
      t.same(server.handled, [])
      client.leave()
    },
  )
}

t.test('a request without a socket of its own is not looked at', async t => {
  const injected = { req: {}, stream: undefined, price: { bytes: 5 } }
  for (const socket of [null, {}]) {
    await lookForClient(anyValue<GovernedRequest>({ ...injected, socket }))
  }
  await turn()
  t.pass('nothing was thrown')
})
