import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { CONNECTION_BYTES, connectionsFor, LEAST_CONNECTIONS, YOUNG_MS } from '../src/connection-limit.ts'
import type { HttpServer } from '../src/expect-continue.ts'
import { Governor } from '../src/governor.ts'
import { LOG_EVERY_MS } from '../src/refusal-log.ts'
import { CERTIFICATE } from './fixtures/certificate.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { head, post, RawClient } from './fixtures/raw-client.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

/** A server of any kind with room for two connections. */
class Crowded {
  readonly clock: FakeClock
  readonly logger = recordingLogger()
  readonly governor = new Governor({ budget: '1MiB', connections: 2, logger: this.logger })
  /** Answers that somebody waits for. */
  readonly open: ServerResponse[] = []
  readonly #t: Test
  port = 0

  private constructor(t: Test) {
    this.#t = t
    this.clock = new FakeClock(t)
  }

  static async start(
    t: Test,
    make: (listener: RequestListener) => HttpServer,
    governed = true,
  ): Promise<Crowded> {
    const crowded = new Crowded(t)
    const { governor } = crowded
    const listener: RequestListener = (req, res) => {
      req.resume()
      if (req.url === '/open') crowded.open.push(res)
      else res.end('served')
    }
    const server = make(governed ? (governor.listener(listener) as RequestListener) : listener)
    governor.attach(server)
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => sockets.add(socket))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    crowded.port = (server.address() as AddressInfo).port
    t.teardown(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return crowded
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.port)
    this.#t.teardown(() => client.leave())
    return client
  }

  /** One that has sent half a head. */
  async halfOpen(): Promise<RawClient> {
    const client = await this.connect()
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-')
    return client
  }

  /** One whose request is being answered. */
  async busy(): Promise<RawClient> {
    const client = await this.connect()
    const count = this.open.length + 1
    client.write(head('GET', '/open'))
    await until(() => this.open.length === count, 'its handler')
    return client
  }

  async has(connections: number): Promise<void> {
    await until(
      () => this.governor.stats().connections === connections,
      () => `${connections} connections, there are ${this.governor.stats().connections}`,
    )
  }
}

const plain = (listener: RequestListener): HttpServer => createServer(listener)

t.test('who comes when all are in use reads why, and when to come back', async t => {
  const crowded = await Crowded.start(t, plain)
  const busy = [await crowded.busy(), await crowded.busy()]
  crowded.clock.tick(YOUNG_MS + 1)
  for (let n = 0; n < 2; n++) {
    const newcomer = await crowded.connect()
    newcomer.write(post('/', 'a'))
    t.same(await newcomer.answers(1), [503])
    await newcomer.receives('Too many connections are open')
    t.match(newcomer.received, /\r\nRetry-After: 1\r\nConnection: close\r\n/)
    await newcomer.closed()
  }
  t.match(crowded.governor.stats(), {
    connections: 2,
    connectionsRefused: 2,
    connectionsClosed: 0,
    admitted: 2,
  })
  t.match(crowded.logger.lines, [
    {
      level: 'warn',
      details: { limit: 2 },
      message: /^plimsoll refused a connection: .* raise `connections`/,
    },
  ])
  crowded.clock.tick(LOG_EVERY_MS)
  t.match(crowded.logger.lines[1], { message: /^plimsoll refused 1 more connections: / })
  for (const res of crowded.open) res.end('answered')
  for (const client of busy) t.same(await client.answers(1), [200])
})

t.test('who has asked for nothing for longest makes room, and is told so amid a head', async t => {
  const crowded = await Crowded.start(t, plain)
  const half = await crowded.halfOpen()
  await crowded.has(1)
  const idle = await crowded.connect()
  idle.write(head('GET', '/'))
  await idle.answers(1)
  crowded.clock.tick(YOUNG_MS + 1)
  const third = await crowded.connect()
  third.write(head('GET', '/'))
  t.same(await third.answers(1), [200])
  t.same(await half.answers(1), [408])
  await half.closed()
  t.notOk(idle.socket.destroyed)
  const fourth = await crowded.connect()
  fourth.write(head('GET', '/'))
  t.same(await fourth.answers(1), [200])
  await idle.closed()
  t.same(idle.statuses, [200], 'an idle connection is closed as by its time-out')
  t.match(crowded.governor.stats(), { connections: 2, connectionsRefused: 0, connectionsClosed: 2 })
})

t.test('a connection without a byte is closed without one', async t => {
  const crowded = await Crowded.start(t, plain)
  const silent = await crowded.connect()
  await crowded.busy()
  crowded.clock.tick(YOUNG_MS + 1)
  const newcomer = await crowded.connect()
  newcomer.write(head('GET', '/'))
  t.same(await newcomer.answers(1), [200])
  await silent.closed()
  t.equal(silent.received, '')
})

t.test('who has just come is not closed for the next one', async t => {
  const crowded = await Crowded.start(t, plain)
  const young = [await crowded.halfOpen(), await crowded.halfOpen()]
  await crowded.has(2)
  crowded.clock.tick(YOUNG_MS - 1)
  t.same(await (await crowded.connect()).answers(1), [503])
  for (const client of young) {
    client.write('X: y\r\n\r\n')
    t.same(await client.answers(1), [200])
  }
})

for (const governed of [true, false]) {
  t.test(
    `a ${governed ? 'governed' : 'foreign'} request is not cut, and its connection is idle once it is answered`,
    async t => {
      const crowded = await Crowded.start(t, plain, governed)
      const clients = [await crowded.busy(), await crowded.busy()]
      crowded.clock.tick(YOUNG_MS + 1)
      t.same(await (await crowded.connect()).answers(1), [503])
      crowded.open[0]?.end('answered')
      t.same(await clients[0]?.answers(1), [200])
      t.same(await (await crowded.connect()).answers(1), [503], 'not at once')
      crowded.clock.tick(YOUNG_MS + 1)
      const newcomer = await crowded.connect()
      newcomer.write(head('GET', '/'))
      t.same(await newcomer.answers(1), [200])
      await clients[0]?.closed()
      crowded.open[1]?.end('answered')
      t.same(await clients[1]?.answers(1), [200])
    },
  )
}

t.test('who leaves while it is busy makes room', async t => {
  const crowded = await Crowded.start(t, plain, false)
  const clients = [await crowded.busy(), await crowded.busy()]
  crowded.clock.tick(YOUNG_MS + 1)
  t.same(await (await crowded.connect()).answers(1), [503])
  for (const client of clients) client.leave()
  await crowded.has(0)
  const next = await crowded.connect()
  next.write(head('GET', '/'))
  t.same(await next.answers(1), [200])
})

t.test('what was upgraded is left alone', async t => {
  const crowded = await Crowded.start(t, listener =>
    createServer(listener).on('upgrade', (_req, socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    }),
  )
  const upgraded = await crowded.connect()
  upgraded.write(head('GET', '/', { Connection: 'Upgrade', Upgrade: 'x' }))
  await upgraded.answers(1)
  const idle = await crowded.halfOpen()
  await crowded.has(2)
  crowded.clock.tick(YOUNG_MS + 1)
  const newcomer = await crowded.connect()
  newcomer.write(head('GET', '/'))
  t.same(await newcomer.answers(1), [200])
  await idle.closed()
  t.notOk(upgraded.socket.destroyed)
})

t.test('over TLS a handshake that never ends makes room, and who finds none is cut before one', async t => {
  const crowded = await Crowded.start(t, listener => createHttps(CERTIFICATE, listener))
  const secure = async (path: string): Promise<TLSSocket> => {
    const { port } = crowded
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    socket.write(head('GET', path))
    return socket
  }
  const silent = connectTcp(crowded.port, '127.0.0.1')
  silent.write('\x16')
  await crowded.has(1)
  await secure('/open')
  await until(() => crowded.open.length === 1, 'its handler')
  crowded.clock.tick(YOUNG_MS + 1)
  await secure('/open')
  await until(() => silent.destroyed, 'the end of the handshake')
  await until(() => crowded.open.length === 2, 'its handler')
  crowded.clock.tick(YOUNG_MS + 1)
  const cut = connectTcp(crowded.port, '127.0.0.1')
  cut.on('error', () => {})
  await until(() => cut.destroyed, 'the cut')
  t.match(crowded.governor.stats(), { connections: 2, connectionsRefused: 1, connectionsClosed: 1 })
})

t.test(
  'over HTTP/2 a session without a stream makes room, and who finds none is told to calm down',
  async t => {
    const crowded = await Crowded.start(t, listener => http2.createServer(listener as never) as HttpServer)
    const session = async (path: string): Promise<http2.ClientHttp2Session> => {
      const client = http2.connect(`http://127.0.0.1:${crowded.port}`)
      client.on('error', () => {})
      t.teardown(() => client.destroy())
      const stream = client.request({ ':path': path })
      stream.on('error', () => {})
      stream.resume()
      if (path === '/open') await until(() => crowded.open.length > 0, 'its handler')
      else await once(stream, 'close')
      return client
    }
    const idle = await session('/')
    await session('/open')
    crowded.clock.tick(YOUNG_MS + 1)
    await session('/')
    await until(() => idle.destroyed, 'the end of the idle session')
    const calmed = http2.connect(`http://127.0.0.1:${crowded.port}`)
    calmed.on('error', () => {})
    const [code] = (await once(calmed, 'goaway')) as [number]
    t.equal(code, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
    await until(() => calmed.destroyed, 'its end')
    t.match(crowded.governor.stats(), { connections: 2, connectionsRefused: 1, connectionsClosed: 1 })
  },
)

t.test('a server is bounded once, by the first governor that is attached to it', async t => {
  const crowded = await Crowded.start(t, listener => {
    const server = createServer(listener)
    new Governor({ budget: 5, connections: 1, logger: recordingLogger() }).attach(server)
    return server
  })
  await crowded.busy()
  t.same(await (await crowded.connect()).answers(1), [503])
  t.equal(crowded.governor.stats().connections, 0)
})

t.test('the bound comes from the budget, and a small budget makes no small server', async t => {
  t.equal(connectionsFor(0), LEAST_CONNECTIONS)
  t.equal(connectionsFor(5000 * CONNECTION_BYTES + 1), 5000)
})

t.test('streams of a session that was there before are served', async t => {
  const governor = new Governor({ budget: 5, connections: 1, logger: recordingLogger() })
  const server = http2.createServer((_req, res) => res.end('served'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => {
    session.destroy()
    server.close()
  })
  await once(session, 'remoteSettings')
  governor.attach(server)
  const [headers] = await once(session.request(), 'response')
  t.match(headers, { ':status': 200 })
  t.equal(governor.stats().connections, 0)
})
