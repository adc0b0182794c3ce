import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { MOST_LINGERERS, MOST_READ } from '../src/lingerers.ts'
import { lingerNow } from '../src/lingering-close.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { RawClient } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

interface Lingering {
  /** The server's ends, in the order in which they came. */
  readonly sockets: Socket[]
  connect(): Promise<RawClient>
}

/** A test with a server that says its last word to each connection, and lingers. */
function lingering(name: string, run: (t: Test, server: Lingering) => Promise<void>): void {
  t.test(name, async t => {
    // So that nobody is cut for the time it takes.
    new FakeClock(t)
    const sockets: Socket[] = []
    let gone = 0
    const server = createServer({ allowHalfOpen: true }, socket => {
      sockets.push(socket)
      socket.on('close', () => gone++)
      socket.on('error', () => {})
      socket.write('bye')
      lingerNow(socket)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const clients: RawClient[] = []
    const connect = async (): Promise<RawClient> => {
      const client = await RawClient.connect(port)
      client.socket.allowHalfOpen = true
      clients.push(client)
      await client.receives('bye')
      return client
    }
    try {
      await run(t, { sockets, connect })
    } finally {
      for (const client of clients) client.leave()
      for (const socket of sockets) socket.destroy()
      server.close()
      // All tests share the count of those that linger.
      await until(() => gone === sockets.length, 'the end of all')
    }
  })
}

lingering('of too many that linger the eldest is cut, and has been told', async (t, { sockets, connect }) => {
  await connect()
  const second = await connect()
  for (let n = 2; n < MOST_LINGERERS; n++) await connect()
  t.notOk(sockets[0]?.destroyed)
  await connect()
  t.ok(sockets[0]?.destroyed)
  t.notOk(sockets[1]?.destroyed)
  // Who leaves by himself makes room as well.
  second.leave()
  await until(() => sockets[1]?.destroyed === true, 'its end')
  await connect()
  t.notOk(sockets[2]?.destroyed)
})

lingering('beside many nothing is read of those that linger', async (t, { sockets, connect }) => {
  for (let n = 0; n < MOST_READ; n++) await connect()
  const late = await connect()
  late.write('more')
  const early = sockets[0] as Socket
  const client = await connect()
  client.write('more')
  t.equal(early.isPaused(), false)
  t.equal(sockets[MOST_READ]?.isPaused(), true)
  t.equal(sockets[MOST_READ + 1]?.isPaused(), true)
})

lingering('who sends more than its share while others linger is cut', async (t, { sockets, connect }) => {
  const flood = await connect()
  for (let n = 1; n < MOST_READ; n++) await connect()
  flood.writeEndlessly(Buffer.alloc(2 ** 20))
  await until(() => sockets[0]?.destroyed === true, 'the cut')
  await flood.closed()
  t.equal(sockets.filter(({ destroyed }) => destroyed).length, 1)
  t.ok((sockets[0] as Socket).bytesRead < 2 ** 24, `${sockets[0]?.bytesRead} bytes are read`)
})
