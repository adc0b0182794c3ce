import { once } from 'node:events'
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { RequestReservation } from '../src/governed-request.ts'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { LINGER_MS } from '../src/lingering-close.ts'
import type { HttpRequest, HttpResponse } from '../src/request-head.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { answerFault, isIdle } from './fixtures/governed-server.ts'
import { activeTimers, ownTimers } from './fixtures/own-timers.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

interface Kept {
  readonly req: Http2ServerRequest
  readonly res: Http2ServerResponse
  readonly reservation: RequestReservation
}

interface Session {
  readonly governor: Governor
  readonly server: Http2Server
  readonly client: ClientHttp2Session
  /** Requests that the handler leaves to the test: those to `/kept`, and to `/unread`, whose body nobody reads. */
  readonly kept: Kept[]
  open(headers: Record<string, string>, endStream?: boolean): ClientHttp2Stream
}

/** Reads the body and answers with its length, or with what was wrong. */
async function answerLength(req: HttpRequest, res: HttpResponse): Promise<void> {
  let length = 0
  try {
    for await (const part of req) length += part.length
    res.end(String(length))
  } catch (error) {
    answerFault(res, error)
  }
}

async function statusOf(stream: ClientHttp2Stream): Promise<number> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
  return headers[':status']
}

/** A test with a governed server that speaks HTTP/2 without TLS, and what must be true at its end. */
function session(
  name: string,
  options: GovernorOptions,
  run: (t: Test, session: Session) => Promise<void>,
): void {
  t.test(name, async t => {
    const timers = activeTimers()
    const governor = new Governor({ budget: '1MiB', logger: silent, ...options })
    const kept: Kept[] = []
    const server = http2.createServer(
      governor.listener((req, res) => {
        const reservation = governor.admit(req, res) as RequestReservation
        if (req.url !== '/kept' && req.url !== '/unread') {
          answerLength(req, res)
          return
        }
        if (req.url === '/kept') req.on('data', () => {})
        kept.push({ req, res, reservation })
      }),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = http2.connect(url)
    const open: Session['open'] = (headers, endStream = false) => {
      const stream = client.request({ ':method': 'POST', ':path': '/', ...headers }, { endStream })
      stream.on('error', () => {})
      return stream
    }
    try {
      await run(t, { governor, server, client, kept, open })
      await until(
        () => isIdle(governor),
        () => `an idle governor, it has ${JSON.stringify(governor.stats())}`,
      )
      const next = http2.connect(url)
      const stream = next.request({ ':method': 'POST' })
      stream.end('next')
      t.equal(await text(stream), '4', 'the next request is served')
      next.destroy()
      await until(() => isIdle(governor), 'an idle governor')
      await governor.close()
    } finally {
      client.destroy()
      server.close()
    }
    await until(
      () => activeTimers() <= timers && ownTimers().length === 0,
      () => `the end of ${ownTimers()}`,
    )
  })
}

session('a GET over HTTP/2 has no body and costs nothing', {}, async (t, { open, kept, governor }) => {
  const stream = open({ ':method': 'GET', ':path': '/kept' }, true)
  await until(() => kept.length === 1, 'the request')
  t.equal(governor.budget.reserved, 0)
  kept[0]?.res.end('read')
  t.equal(await text(stream), 'read')
})

session(
  'a body over HTTP/2 is reserved as declared',
  { budget: 100 },
  async (t, { open, kept, governor }) => {
    const stream = open({ ':path': '/kept', 'content-length': '10' })
    stream.write('12345')
    await until(() => governor.budget.paidIn === 5, 'a part of it')
    t.equal(governor.budget.reserved, 10)
    stream.end('67890')
    await until(() => governor.budget.paidIn === 10, 'the rest')
    kept[0]?.res.end('read')
    t.equal(await text(stream), 'read')
  },
)

session(
  'a HEAD over HTTP/2 whose body is piped to nobody is released',
  { cost: 100 },
  async (t, { open, kept }) => {
    const stream = open({ ':path': '/kept', ':method': 'HEAD' }, true)
    await until(() => kept.length === 1, 'the request')
    const { res, reservation } = kept[0] as Kept
    const { signal } = reservation
    Readable.from(['a', 'b', 'c']).pipe(res as Http2ServerResponse)
    t.equal(await statusOf(stream), 200)
    stream.resume()
    await until(() => reservation.released, 'the release')
    t.equal(signal.aborted, false)
  },
)

session(
  'a body over HTTP/2 without a length reserves all that may come, and gives the rest back',
  { budget: 1000, maxBody: 100 },
  async (t, { open, kept, governor }) => {
    const stream = open({ ':path': '/kept' })
    stream.write('12345')
    await until(() => governor.budget.paidIn === 5, 'a part of it')
    t.equal(governor.budget.reserved, 100)
    stream.end('678')
    await until(() => governor.budget.reserved === 8, 'the refund')
    kept[0]?.res.end()
    await text(stream)
  },
)

session(
  'a body over HTTP/2 is bounded without a length, and its client reads a 413',
  { maxBody: 10_000 },
  async (t, { open, governor }) => {
    const stream = open({})
    stream.write('1'.repeat(10_000))
    stream.write('1')
    t.equal(await statusOf(stream), 413)
    stream.end()
    t.equal(await text(stream), 'ERR_PLIMSOLL_BODY_TOO_LARGE')
    t.match(governor.stats().refused, { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 })
  },
)

t.test('an upload over HTTP/2 that goes on after its 413 is ended when its time is up', async t => {
  const clock = new FakeClock(t)
  const governor = new Governor({ maxBody: 10_000, valve: false, logger: silent })
  const server = http2.createServer(governor.listener(answerLength))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const stream = client.request({ ':method': 'POST' })
  stream.write('1'.repeat(20_000))
  t.equal(await statusOf(stream), 413)
  t.equal(await text(stream), 'ERR_PLIMSOLL_BODY_TOO_LARGE')
  stream.write('1'.repeat(20_000))
  await until(() => clock.pending === 3, 'the lingering, beside the log and the time to answer')
  clock.tick(LINGER_MS)
  await until(
    () => isIdle(governor),
    () => `the release, it has ${JSON.stringify(governor.stats())}`,
  )
  await until(() => stream.destroyed, 'the end of the upload')
  t.equal(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR)
  await governor.close()
  t.equal(clock.pending, 0)
  client.destroy()
  server.close()
})

session(
  'a refusal over HTTP/2 is answered, and the session goes on',
  { budget: 10, queue: { limit: 0 } },
  async (t, { open, governor }) => {
    const room = governor.budget.charge(10)
    const refused = open({ 'content-length': '10' })
    refused.write('12345')
    const [headers] = (await once(refused, 'response')) as [IncomingHttpHeaders]
    t.match(headers, { ':status': 503, 'retry-after': /^\d+$/, connection: undefined })
    t.match(JSON.parse(await text(refused)), { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
    room.release()
    const large = open({ 'content-length': '11' })
    t.equal(await statusOf(large), 413)
    large.resume()
    const unsafe = open({ 'content-length': '9007199254740993' })
    t.equal(await statusOf(unsafe), 400)
    unsafe.resume()
    t.match(governor.stats(), { admitted: 0 })
  },
)

session(
  'streams of one HTTP/2 session wait for bytes and not for each other',
  { budget: 10 },
  async (t, { open, kept, governor }) => {
    const streams = [1, 2, 3].map(() => {
      const stream = open({ ':path': '/kept', 'content-length': '5' })
      stream.end('12345')
      return stream
    })
    await until(() => kept.length === 2 && governor.stats().waiting === 1, 'two of three')
    t.equal(governor.budget.reserved, 10)
    kept[1]?.res.end('out of order')
    await until(() => kept.length === 3, 'the third')
    for (const { res } of kept) if (!res.writableEnded) res.end()
    t.same((await Promise.all(streams.map(stream => text(stream)))).sort(), ['', '', 'out of order'])
  },
)

for (const [how, end] of Object.entries({
  'a stream that is reset': (stream: ClientHttp2Stream) => stream.close(http2.constants.NGHTTP2_CANCEL),
  'a stream that is closed without an error': (stream: ClientHttp2Stream) =>
    stream.close(http2.constants.NGHTTP2_NO_ERROR),
  'a session that is over': (stream: ClientHttp2Stream) => stream.session?.destroy(),
})) {
  session(`${how} frees the bytes of an upload`, {}, async (t, { open, kept, governor }) => {
    const stream = open({ ':path': '/kept', 'content-length': '10' })
    stream.write('12345')
    await until(() => governor.budget.paidIn === 5, 'a part of it')
    const { reservation } = kept[0] as Kept
    t.equal(reservation.signal.aborted, false)
    end(stream)
    await until(() => reservation.released, 'the release')
    t.match(reservation.signal, { aborted: true, reason: { code: 'ERR_PLIMSOLL_CLIENT_GONE' } })
  })

  session(`${how} frees the bytes of a download`, { cost: 100 }, async (t, { open, kept, governor }) => {
    const stream = open({ ':path': '/kept', ':method': 'GET' }, true)
    await until(() => kept.length === 1, 'the request')
    const { res, reservation } = kept[0] as Kept
    const { signal } = reservation
    res.write(Buffer.alloc(2 ** 20))
    await once(stream, 'response')
    t.ok(governor.budget.reserved > 100, 'what is buffered counts, too')
    end(stream)
    await until(() => reservation.released, 'the release')
    t.equal(signal.aborted, true)
  })

  session(
    `${how} frees the bytes of an answer in one piece`,
    { cost: 100 },
    async (t, { open, kept, governor }) => {
      const stream = open({ ':path': '/kept', ':method': 'GET' }, true)
      await until(() => kept.length === 1, 'the request')
      const { res, reservation } = kept[0] as Kept
      const { signal } = reservation
      res.end(Buffer.alloc(2 ** 20))
      await once(stream, 'response')
      t.ok(governor.budget.reserved > 100, 'it is not out: the client reads nothing')
      end(stream)
      await until(() => reservation.released, 'the release')
      t.equal(signal.aborted, true)
    },
  )

  session(
    `${how} frees the bytes of an answer to what nobody has read, and its connection`,
    { cost: 100 },
    async (t, { server, client, open, kept }) => {
      for (const method of ['GET', 'POST']) {
        const stream = open({ ':path': '/unread', ':method': method }, method === 'GET')
        await until(() => kept.length === 1, 'the request')
        const { res, reservation } = kept.pop() as Kept
        const { signal } = reservation
        if (method === 'GET') res.end(Buffer.alloc(2 ** 20))
        else res.write(Buffer.alloc(2 ** 20))
        await once(stream, 'response')
        end(stream)
        await until(() => reservation.released, 'the release')
        t.equal(signal.aborted, true)
        if (client.destroyed) return
      }
      client.close()
      const connections = promisify(server.getConnections.bind(server))
      await until(async () => (await connections()) === 0, 'the end of the connection')
    },
  )

  session(
    `${how} while it is queued never comes to its handler`,
    { budget: 10 },
    async (t, { open, kept, governor }) => {
      const room = governor.budget.charge(10)
      const stream = open({ ':path': '/kept', 'content-length': '5' })
      stream.write('12')
      await until(() => governor.stats().waiting === 1, 'its waiting')
      end(stream)
      await until(() => governor.stats().waiting === 0, 'its end')
      room.release()
      t.match(governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 } })
      t.equal(kept.length, 0)
    },
  )
}

session('a request over HTTP/2 that ends well does not abort its signal', {}, async (t, { open, kept }) => {
  const stream = open({ ':path': '/kept' })
  stream.end('12345')
  await until(() => kept.length === 1, 'the request')
  const { res, reservation } = kept[0] as Kept
  const { signal } = reservation
  res.end('done')
  t.equal(await text(stream), 'done')
  await until(() => reservation.released, 'the release')
  t.equal(signal.aborted, false)
})

t.test('a governor that closes refuses over HTTP/2 without a word of the connection', async t => {
  const governor = new Governor({ budget: 10, logger: silent })
  const server = http2.createServer(governor.listener(answerLength))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await governor.close()
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const stream = client.request({ ':method': 'POST' })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  t.match(headers, { ':status': 503, 'retry-after': /^\d+$/, connection: undefined })
  t.match(JSON.parse(await text(stream)), { code: 'ERR_PLIMSOLL_CLOSED' })
  client.destroy()
  server.close()
})

t.test(
  'an early answer does not leave its stream, and its bytes, to a client that keeps it open',
  async t => {
    const governor = new Governor({ budget: '1MiB', logger: silent })
    const server = http2.createServer(
      governor.listener((req: Http2ServerRequest, res: Http2ServerResponse) => {
        res.statusCode = 401
        req.once('data', () => {
          req.pause()
          req.removeAllListeners('data')
          res.end()
        })
      }),
    )
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    t.teardown(() => {
      client.destroy()
      server.close()
    })
    const stream = client.request({ ':method': 'POST', 'content-length': '1000' })
    stream.resume().write('x')
    t.equal(await statusOf(stream), 401)
    t.equal(governor.stats().reserved, 1000)
    await once(stream, 'close')
    t.equal(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR)
    await until(() => isIdle(governor), 'its release')
  },
)
