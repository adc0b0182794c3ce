import { once } from 'node:events'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { LINGER_BYTES, LINGER_MS } from '../src/lingering-close.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { GovernedServer, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, type RawClient } from './fixtures/raw-client.ts'
import { promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

interface Refused {
  readonly clock: FakeClock
  readonly server: GovernedServer
  readonly client: RawClient
  /** The server's end of it. */
  readonly socket: Socket
}

/** A client that reads its 413 and neither closes nor, unless told to, sends on. */
async function refused(t: Test): Promise<Refused> {
  const clock = new FakeClock(t)
  const server = new GovernedServer({ options: { maxBody: 10 } })
  await server.listen()
  const connected = once(server.http, 'connection')
  const client = await server.connect()
  const [socket] = (await connected) as [Socket]
  client.socket.allowHalfOpen = true
  client.write(head('POST', '/a', { 'Content-Length': 2 ** 40 }))
  t.same(await client.answers(1), [413])
  return { clock, server, client, socket }
}

t.test('a client that stays is cut when its time is up', async t => {
  const { clock, server, client } = await refused(t)
  await until(() => client.socket.readableEnded, 'the end that the server says')
  client.write('still sending')
  clock.tick(LINGER_MS - 1)
  await promisesSettled()
  await server.connections(1)
  clock.tick(1)
  await server.connections(0)
  await server.stop()
  await server.governor.close()
  t.equal(clock.pending, 0)
})

t.test('a client that closes is not waited for', async t => {
  const { clock, server, client } = await refused(t)
  client.socket.end()
  await server.connections(0)
  await server.stop()
  await server.governor.close()
  t.equal(clock.pending, 0, 'its timer is gone')
})

t.test('a client that sends endlessly is read up to a bound, and cut when its time is up', async t => {
  const { clock, server, socket, client } = await refused(t)
  client.writeEndlessly(Buffer.alloc(2 ** 20))
  await until(
    () => socket.isPaused(),
    () => `the bound, ${socket.bytesRead} bytes are read`,
  )
  t.ok(socket.bytesRead >= LINGER_BYTES && socket.bytesRead < LINGER_BYTES + 2 ** 20, `${socket.bytesRead}`)
  await server.connections(1)
  clock.tick(LINGER_MS)
  await server.connections(0)
  await server.stop()
  await server.governor.close()
  t.equal(clock.pending, 0)
})

scenario(
  'a refusal that the handler hears of twice lingers once',
  {
    options: { maxBody: 10 },
    handler: (req, res, _reservation, server) => {
      req.on('error', error => {
        t.throws(() => server.governor.admit(req, res, { maxBody: 1 }), {
          code: 'ERR_PLIMSOLL_BODY_TOO_LARGE',
        })
        t.equal((error as { code?: string }).code, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
        res.writeHead(413).end('once')
      })
      req.resume()
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345') + chunk('678901') + LAST_CHUNK)
    t.same(await client.answers(1), [413])
    await client.closed()
  },
)
