import { once } from 'node:events'
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Governor, reservationOf } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { LINGER_MS } from '../src/lingering-close.ts'
import { deferred } from './fixtures/deferred.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { answerFault, isIdle } from './fixtures/governed-server.ts'
import { listening } from './fixtures/http-servers.ts'
import { headers, RawHttp2, reset, WINDOW } from './fixtures/raw-http2.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const MiB = 2 ** 20

type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown

/** Reads the body and answers with its length, or with what was wrong. */
const answerLength: Handler = async (req, res) => {
  let length = 0
  try {
    for await (const part of req) length += part.length
    res.end(String(length))
  } catch (error) {
    answerFault(res, error)
  }
}

interface Served {
  readonly governor: Governor
  readonly server: http2.Http2Server
  readonly port: number
  connect(): ClientHttp2Session
  idle(): Promise<void>
}

async function serve(t: Test, options: GovernorOptions, handler: Handler = answerLength): Promise<Served> {
  const governor = new Governor({ budget: 100, logger: silent, ...options })
  const server = http2.createServer(governor.listener(handler))
  governor.attach(server)
  const port = await listening(t, server)
  return {
    governor,
    server,
    port,
    connect() {
      const session = http2.connect(`http://127.0.0.1:${port}`)
      session.on('error', () => {})
      t.teardown(() => session.destroy())
      return session
    },
    idle: () =>
      until(
        () => isIdle(governor),
        () => `an idle governor, it has ${JSON.stringify(governor.stats())}`,
      ),
  }
}

interface Open {
  readonly stream: ClientHttp2Stream
  status(): Promise<number>
}

/** An upload that has sent no byte of its body yet. */
function upload(session: ClientHttp2Session, length?: number, path = '/'): Open {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    ...(length !== undefined && { 'content-length': length }),
  })
  stream.on('error', () => {})
  const head = once(stream, 'response') as Promise<[IncomingHttpHeaders]>
  head.catch(() => {})
  return { stream, status: async () => Number((await head)[0][':status']) }
}

/** Writes for as long as it is let. */
function sendForEver({ stream }: Open, part: Buffer = Buffer.alloc(16_384)): () => number {
  let sent = 0
  const more = (): void => {
    if (stream.destroyed || stream.writableEnded) return
    stream.write(part, error => {
      if (error) return
      sent += part.length
      setImmediate(more)
    })
  }
  more()
  return () => sent
}

t.test('of the streams of one connection some are served, some wait and some are refused', async t => {
  const open = new Map<string, Http2ServerResponse>()
  const { governor, connect, idle } = await serve(t, { queue: { limit: 2 } }, async (req, res) => {
    open.set(req.url, res)
    for await (const _ of req);
  })
  const session = connect()
  const uploads = ['/a', '/b', '/c', '/d', '/e'].map(path => upload(session, 50, path))
  const [a, b, c, d, e] = uploads as [Open, Open, Open, Open, Open]
  t.equal(await e.status(), 503)
  t.match(JSON.parse(await text(e.stream)), { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
  t.match(governor.stats(), { active: 2, waiting: 2, reserved: 100 })
  t.same([...open.keys()], ['/a', '/b'])
  for (const { stream } of [a, b, c, d]) stream.end('x'.repeat(50))
  open.get('/b')?.end('b')
  t.equal(await text(b.stream), 'b')
  await until(() => open.has('/c'), 'the first that waited')
  t.equal(governor.stats().waiting, 1)
  open.get('/c')?.end('c')
  t.equal(await text(c.stream), 'c')
  await until(() => open.has('/d'), 'the other one')
  open.get('/a')?.end('a')
  open.get('/d')?.end('d')
  t.same([await text(a.stream), await text(d.stream)], ['a', 'd'])
  await idle()
  t.match(governor.stats(), { admitted: 4, refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 } })
})

t.test('a stream that waits lets in its first window, and the connection goes on for the others', async t => {
  const exempt = ({ url }: { url: string }): boolean => url === '/free'
  const { governor, port, idle } = await serve(t, { budget: 8 * MiB, exempt })
  const room = governor.budget.charge(8 * MiB)
  const client = await RawHttp2.connect(port)
  t.teardown(() => client.leave())
  const waiting = [1, 3, 5, 7]
  for (const stream of waiting) {
    client.write(headers(stream, { 'content-length': String(MiB) }))
    await client.send(stream, WINDOW)
  }
  await until(() => governor.stats().waiting === waiting.length, 'all of them to wait')
  for (let stream = 9; stream < 49; stream += 2) {
    client.write(headers(stream, { ':path': '/free', 'content-length': String(WINDOW) }))
    await client.send(stream, WINDOW, true)
    await until(() => client.statusOf(stream) === 200, 'the answer to one that is free')
  }
  for (const stream of waiting) t.equal(client.granted(stream), 0, 'nobody is told to send more')
  room.release()
  await until(
    () => waiting.every(stream => client.granted(stream) > 0),
    'windows that open with the admission',
  )
  client.leave()
  await idle()
})

t.test('an upload that waits can send no more than its first window with Node\u2019s client', async t => {
  const { governor, connect, idle } = await serve(t, { budget: 8 * MiB })
  const room = governor.budget.charge(8 * MiB)
  const session = connect()
  const waiting = upload(session, 4 * MiB)
  const sent = sendForEver(waiting)
  await until(() => governor.stats().waiting === 1, 'its place in the queue')
  // Time for all of it, were it let in.
  await sleep(100)
  t.ok(sent() <= WINDOW, `${sent()} bytes`)
  room.release()
  await until(() => sent() > MiB, 'the rest to come')
  waiting.stream.close(constants.NGHTTP2_CANCEL)
  await idle()
})

for (const [what, options, path] of [
  ['refused at once', { maxBody: 10_000 }, '/'],
  ['refused amid its body', { budget: MiB, maxBody: 100_000 }, '/'],
  ['refused after its handler has answered', { budget: MiB, maxBody: 100_000 }, '/early'],
] as const) {
  t.test(`an upload that is ${what} and goes on for ever is ended, and other streams are not`, async t => {
    const clock = new FakeClock(t)
    const { governor, connect, idle } = await serve(t, options, (req, res) => {
      if (req.url === '/early') {
        req.on('error', () => {}).resume()
        res.end('early')
      } else return answerLength(req, res)
      return
    })
    const session = connect()
    const endless = upload(session, what === 'refused at once' ? 4 * MiB : undefined, path)
    const sent = sendForEver(endless)
    const other = upload(session)
    other.stream.write('123')
    await until(() => governor.stats().refused.ERR_PLIMSOLL_BODY_TOO_LARGE === 1, 'the refusal')
    t.equal(await endless.status(), path === '/' ? 413 : 200)
    const body = text(endless.stream).catch(() => 'cut')
    await sleep(20)
    clock.tick(LINGER_MS)
    // What was answered by then may linger anew.
    await sleep(20)
    clock.tick(LINGER_MS)
    await until(
      () => endless.stream.destroyed,
      () => `the end of an upload, ${sent()} bytes by now`,
    )
    if (path === '/early') t.equal(await body, 'early')
    other.stream.end('45')
    t.equal(await other.status(), 200)
    t.equal(await text(other.stream), '5')
    const next = upload(session)
    next.stream.end('1')
    t.equal(await text(next.stream), '1', 'the connection serves the next one')
    await idle()
    await governor.close()
    t.equal(clock.pending, 0)
  })
}

t.test('a body that nobody reads holds a window of it once its stream is answered', async t => {
  const clock = new FakeClock(t)
  const { governor, port, idle } = await serve(t, { budget: MiB }, (_req, res) => res.writeHead(204).end())
  const client = await RawHttp2.connect(port)
  t.teardown(() => client.leave())
  client.write(headers(1))
  await client.send(1, WINDOW)
  await until(() => client.statusOf(1) === 204, 'its answer')
  await until(
    () => governor.stats().reserved === WINDOW,
    () => `less than ${governor.stats().reserved} bytes`,
  )
  clock.tick(LINGER_MS)
  await idle()
  await governor.close()
  t.equal(clock.pending, 0)
})

t.test('a body that its handler has begun to read keeps its bytes over a pause after the answer', async t => {
  const clock = new FakeClock(t)
  const { governor, connect, idle } = await serve(t, { budget: MiB }, (req, res) => {
    req.once('data', () => {
      req.removeAllListeners('data')
      req.pause()
      res.end('early')
    })
  })
  const early = upload(connect(), 500_000)
  early.stream.write('123')
  t.equal(await text(early.stream), 'early')
  await sleep(20)
  t.equal(governor.stats().reserved, 500_000)
  clock.tick(LINGER_MS)
  await idle()
})

t.test('a body that nobody reads keeps its bytes for work that is held', async t => {
  const clock = new FakeClock(t)
  const work = deferred()
  const { governor, port, idle } = await serve(t, { budget: MiB }, (req, res) => {
    reservationOf(req).hold(work.promise)
    res.writeHead(204).end()
  })
  const client = await RawHttp2.connect(port)
  t.teardown(() => client.leave())
  client.write(headers(1))
  await client.send(1, WINDOW)
  await until(() => client.statusOf(1) === 204, 'its answer')
  await sleep(20)
  t.equal(governor.stats().reserved, MiB)
  work.resolve()
  await sleep(20)
  clock.tick(LINGER_MS)
  await idle()
})

t.test('a HEAD that is refused is closed although its client never ends its body', async t => {
  const clock = new FakeClock(t)
  const { connect } = await serve(t, { maxBody: 3 })
  const stream = connect().request(
    { ':method': 'HEAD', ':path': '/', 'content-length': 1000 },
    { endStream: false },
  )
  const head = once(stream, 'response') as Promise<[IncomingHttpHeaders]>
  stream.write('123')
  t.equal((await head)[0][':status'], 413)
  const closed = once(stream, 'close')
  clock.tick(LINGER_MS)
  await closed
  t.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR)
})

t.test('a stream without a body that its client leaves open holds nothing once it is answered', async t => {
  const { governor, port, idle } = await serve(t, { cost: 50 }, (_req, res) => res.writeHead(204).end())
  const client = await RawHttp2.connect(port)
  t.teardown(() => client.leave())
  client.write(headers(1, { 'content-length': '0' }))
  await until(() => client.statusOf(1) === 204, 'its answer')
  await idle()
  t.match(governor.stats(), { admitted: 1, released: 1 })
})

t.test(
  'a file that Node sends for an upload that nobody reads is not cut, however slow its reader is',
  async t => {
    const clock = new FakeClock(t)
    const file = join(t.testdir({ file: Buffer.alloc(MiB) }), 'file')
    const { governor, connect, idle } = await serve(t, { budget: MiB }, req =>
      req.stream.respondWithFile(file, {}),
    )
    const { stream } = upload(connect(), 500_000)
    stream.write('123')
    await once(stream, 'response')
    for (let times = 0; times < 3; times++) {
      await sleep(20)
      clock.tick(LINGER_MS)
    }
    t.equal(governor.stats().reserved, 500_000)
    t.equal((await buffer(stream)).length, MiB)
    await sleep(20)
    clock.tick(LINGER_MS)
    await idle()
  },
)

t.test('a stream that somebody else answers while it waits gives up its place', async t => {
  const governor = new Governor({ budget: 100, logger: silent })
  const handled: string[] = []
  const listener = governor.listener<Http2ServerRequest, Http2ServerResponse>(({ url }, res) => {
    handled.push(url)
    res.end()
  })
  const server = http2.createServer((req, res) => {
    listener(req, res)
    if (governor.stats().waiting > 0) res.writeHead(503).end()
  })
  const port = await listening(t, server)
  const session = http2.connect(`http://127.0.0.1:${port}`)
  t.teardown(() => session.destroy())
  const room = governor.budget.charge(100)
  t.equal(await upload(session, 10).status(), 503)
  await until(() => governor.stats().waiting === 0, 'its place')
  room.release()
  await until(
    () => isIdle(governor),
    () => JSON.stringify(governor.stats()),
  )
  t.same(handled, [])
})

t.test('a HEAD that waits while its session ends leaves no timer', async t => {
  const clock = new FakeClock(t)
  const { governor, server, connect } = await serve(t, {})
  const sessions: http2.ServerHttp2Session[] = []
  server.on('session', session => sessions.push(session))
  const room = governor.budget.charge(100)
  const stream = connect().request({ ':method': 'HEAD', ':path': '/' }, { endStream: false })
  stream.on('error', () => {}).write('123')
  await until(() => governor.stats().waiting === 1, 'its place')
  // In a turn of its own the streams close before the promise of who waits is told.
  await new Promise<void>(resolve => {
    setImmediate(() => {
      for (const session of sessions) session.destroy()
      resolve(governor.close())
    })
  })
  room.release()
  await sleep(20)
  clock.tick(10 * LINGER_MS)
  t.equal(clock.pending, 0)
})

t.test('a HEAD with a body may wait for its answer as long as any', async t => {
  const clock = new FakeClock(t)
  const answer = deferred()
  const { governor, connect, idle } = await serve(t, {}, async (_req, res) => {
    await answer.promise
    res.end()
  })
  const stream = connect().request({ ':method': 'HEAD', ':path': '/' }, { endStream: false })
  const head = once(stream, 'response') as Promise<[IncomingHttpHeaders]>
  stream.write('123')
  await until(() => governor.stats().active === 1, 'its handler')
  clock.tick(2 * LINGER_MS)
  await sleep(20)
  answer.resolve()
  t.equal((await head)[0][':status'], 200)
  t.notOk(stream.closed)
  clock.tick(LINGER_MS)
  await idle()
  await governor.close()
  t.equal(clock.pending, 0)
})

t.test('no stream of a client that resets them all keeps its bytes or its place in the queue', async t => {
  const { governor, connect, idle } = await serve(t, {})
  const session = connect()
  const streams = Array.from({ length: 60 }, () => upload(session, 50))
  await until(() => governor.stats().waiting === 58, 'those that wait')
  session.destroy()
  await idle()
  t.equal(streams.length, 60)
  const next = upload(connect(), 5)
  next.stream.end('12345')
  t.equal(await text(next.stream), '5')
  await idle()
})

for (const [how, end] of Object.entries<(session: ClientHttp2Session, socket: Socket) => void>({
  'is closed by its client with an error': session => session.goaway(constants.NGHTTP2_INTERNAL_ERROR),
  'loses its socket': (_session, socket) => socket.destroy(),
})) {
  t.test(`no stream of a session that ${how} keeps its bytes or its place in the queue`, async t => {
    const { governor, server, connect, idle } = await serve(t, {})
    const connected = once(server, 'connection')
    const session = connect()
    const streams = Array.from({ length: 60 }, () => upload(session, 50))
    await until(() => governor.stats().waiting === 58, 'those that wait')
    t.equal(governor.stats().active, 2)
    const [socket] = await connected
    end(session, socket)
    await idle()
    t.match(governor.stats(), { admitted: 2, refused: { ERR_PLIMSOLL_CLIENT_GONE: 58 } })
    t.ok(streams)
    const next = upload(connect(), 5)
    next.stream.end('12345')
    t.equal(await text(next.stream), '5')
    await idle()
  })
}

t.test('a stream that is reset right before the one that holds its bytes comes to no handler', async t => {
  let handled = 0
  const { governor, port, idle } = await serve(t, {}, req => {
    handled++
    req.resume()
  })
  const client = await RawHttp2.connect(port)
  t.teardown(() => client.leave())
  const asking = { 'content-length': '100', expect: '100-continue' }
  client.write(headers(1, asking), headers(3, asking))
  await until(() => governor.stats().waiting === 1, 'its place in the queue')
  client.write(reset(3, constants.NGHTTP2_NO_ERROR), reset(1, constants.NGHTTP2_CANCEL))
  await idle()
  t.equal(handled, 1)
  t.match(governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 } })
  client.write(headers(5, { ':method': 'GET' }, true))
  await until(() => handled === 2, 'the next one')
  client.leave()
  await idle()
})

for (const [who, end] of Object.entries({
  client: (client: ClientHttp2Session) => client.close(),
  server: (_client: ClientHttp2Session, server: http2.ServerHttp2Session) => server.close(),
})) {
  t.test(`streams that wait are served although their ${who} has said GOAWAY`, async t => {
    const { governor, server, connect, idle } = await serve(t, {})
    let session: http2.ServerHttp2Session | undefined
    server.on('session', each => {
      session = each
    })
    const room = governor.budget.charge(100)
    const client = connect()
    const waiting = [upload(client, 50), upload(client, 50)]
    for (const { stream } of waiting) stream.end('x'.repeat(50))
    await until(() => governor.stats().waiting === 2, 'their place in the queue')
    end(client, session as http2.ServerHttp2Session)
    await sleep(20)
    t.equal(governor.stats().waiting, 2)
    room.release()
    for (const { stream } of waiting) t.equal(await text(stream), '50')
    await idle()
  })
}

t.test('a session that its server lets time out frees what its streams hold and wait for', async t => {
  const { governor, server, connect, idle } = await serve(t, {}, () => {})
  server.on('session', session => session.setTimeout(50, () => session.destroy()))
  const session = connect()
  for (let n = 0; n < 4; n++) upload(session, 50)
  await until(() => governor.stats().waiting === 2, 'those that wait')
  await idle()
})

t.test('a stream that its handler lets time out is released', async t => {
  const { governor, connect, idle } = await serve(t, {}, (req, res) => {
    req.resume()
    req.setTimeout(20, () => res.stream.close(constants.NGHTTP2_CANCEL))
  })
  const held = upload(connect(), 50)
  held.stream.write('1')
  await until(() => governor.stats().admitted === 1, 'its admission')
  await idle()
  await until(() => held.stream.destroyed, 'the end of the stream')
  t.equal(held.stream.rstCode, constants.NGHTTP2_CANCEL)
})

t.test('trailers come and go through a governed stream', async t => {
  const { connect, idle } = await serve(t, {}, async (req, res) => {
    for await (const _ of req);
    res.addTrailers({ 'x-sum': String(req.trailers['x-sum']) })
    res.end('body')
  })
  const stream = connect().request({ ':method': 'POST' }, { waitForTrailers: true } as object)
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '15' }))
  const trailers = once(stream, 'trailers')
  stream.end('12345')
  t.equal(await text(stream), 'body')
  t.match(await trailers, [{ 'x-sum': '15' }])
  await idle()
})

t.test('who asks and reads the stream below the request is told once, at the admission', async t => {
  const { governor, connect, idle } = await serve(t, {}, async (req, res) => {
    res.end(String((await text(req.stream)).length))
  })
  const room = governor.budget.charge(100)
  const stream = connect().request({ ':method': 'POST', expect: '100-continue', 'content-length': 5 })
  let told = 0
  stream.on('continue', () => {
    told++
    stream.end('12345')
  })
  await until(() => governor.stats().waiting === 1, 'its place in the queue')
  t.equal(told, 0)
  room.release()
  t.equal(await text(stream), '5')
  t.equal(told, 1)
  await idle()
})

t.test('who asks and reads the stream below a request that no governor meets is told once', async t => {
  const governor = new Governor({ budget: 100, logger: silent })
  const server = http2.createServer(async (req, res) => {
    res.end(String((await text(req.stream)).length))
  })
  governor.attach(server)
  const session = http2.connect(`http://127.0.0.1:${await listening(t, server)}`)
  t.teardown(() => session.destroy())
  const stream = session.request({ ':method': 'POST', expect: '100-continue' })
  let told = 0
  stream.on('continue', () => {
    told++
    stream.end('12345')
  })
  t.equal(await text(stream), '5')
  t.equal(told, 1)
})

t.test('streams that are served by themselves are left to their server', async t => {
  const governor = new Governor({ budget: 100, logger: silent })
  const server = http2.createServer()
  governor.attach(server)
  server.on('stream', stream => {
    stream.additionalHeaders({ ':status': 100 })
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const session = http2.connect(`http://127.0.0.1:${await listening(t, server)}`)
  t.teardown(() => session.destroy())
  const stream = session.request({ ':method': 'POST', expect: '100-continue' })
  stream.on('continue', () => stream.end('12345'))
  t.equal(await text(stream), '12345')
})

t.test('a stream whose body was broken off is over, although nobody reads what has arrived', async t => {
  const answering = deferred()
  const below: Http2ServerRequest['stream'][] = []
  const { governor, connect, idle } = await serve(t, { budget: MiB }, async (req, res) => {
    for await (const _ of req) break
    below.push(req.stream)
    await answering.promise
    res.end('broken off')
  })
  const session = connect()
  const stream = session.request({ ':method': 'POST', 'content-length': 300 })
  stream.on('error', () => {}).resume()
  stream.write(Buffer.alloc(100))
  await until(() => below.length === 1, 'the handler')
  stream.write(Buffer.alloc(100))
  await sleep(20)
  stream.end(Buffer.alloc(100))
  await until(() => (below[0]?.readableLength ?? 0) > 0, 'what nobody reads')
  answering.resolve()
  await until(() => below[0]?.writableFinished === true, 'its answer')
  stream.close()
  session.destroy()
  await idle()
  t.equal(governor.stats().released, 1)
})

t.test('a stream that breaks on our side after its client has left it is over', async t => {
  // Node 20 keeps what was written to after the client's end, with an error, and waits for the end of its body for ever.
  const { governor, connect, idle } = await serve(t, { budget: MiB }, async (req, res) => {
    req.on('error', () => {})
    req.on('data', () => {
      req.pause()
    })
    await once(req, 'aborted')
    await sleep(10)
    res.end('nobody hears it')
  })
  const sent = 50 * 1024
  for (let at = 1; at <= 4; at++) {
    const session = connect()
    const stream = session.request({ ':method': 'POST', 'content-length': sent })
    stream.on('error', () => {}).resume()
    stream.write(Buffer.alloc(sent))
    await until(() => governor.stats().admitted === at, 'the handler')
    await sleep(20)
    stream.close(constants.NGHTTP2_NO_ERROR)
    session.close()
    await sleep(5)
    session.destroy()
  }
  await idle()
  await until(() => governor.stats().connections === 0, 'no connection')
})
