import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http2, { type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import { Governor } from '../src/governor.ts'
import { bytesTaken, onWrite } from '../src/outflow.ts'
import { CERTIFICATE } from './fixtures/certificate.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** No two parts of it are the same, so that what is swapped or lost shows. */
function text(length: number): string {
  return Array.from({ length: Math.ceil(length / 8) }, (_, at) => String(at).padStart(8, 'é')).join('')
}
const LONG = text(400 * KiB)

type Out = Pick<ServerHttp2Stream, 'write' | 'end' | 'cork' | 'uncork'>

/** Ways to send a body, and what of it must arrive. */
const WAYS: Record<string, [(res: Out) => unknown, Buffer]> = {
  'one large chunk': [res => res.end(Buffer.from(LONG)), Buffer.from(LONG)],
  'one long text': [res => res.end(LONG), Buffer.from(LONG)],
  'a long text in another encoding': [
    res => {
      res.write(LONG, 'utf16le')
      res.end(Buffer.alloc(200 * KiB, 'x').toString('base64'), 'base64')
    },
    Buffer.concat([Buffer.from(LONG, 'utf16le'), Buffer.alloc(200 * KiB, 'x')]),
  ],
  'a few small ones': [
    res => {
      for (let at = 0; at < 5; at++) res.write(`${at} `)
      res.end('end')
    },
    Buffer.from('0 1 2 3 4 end'),
  ],
  'many small ones': [
    res => {
      for (let at = 0; at < LONG.length; at += 100) res.write(LONG.slice(at, at + 100))
      res.end()
    },
    Buffer.from(LONG),
  ],
  'small and large ones in turn': [
    res => {
      for (let at = 0; at < 4; at++) {
        res.write(`${at} `)
        res.write(Buffer.from(LONG))
      }
      res.end('end')
    },
    Buffer.from(`0 ${LONG}1 ${LONG}2 ${LONG}3 ${LONG}end`),
  ],
  'corked ones': [
    res => {
      res.cork()
      for (let at = 0; at < 5; at++) res.write(`${at} `)
      res.write(LONG)
      setImmediate(() => {
        res.uncork()
        res.end('end')
      })
    },
    Buffer.from(`0 1 2 3 4 ${LONG}end`),
  ],
  'bytes that are no Buffer': [
    res => {
      res.write(new Uint8Array(Buffer.from(LONG)))
      res.end(new Uint8Array(3).fill(120))
    },
    Buffer.from(`${LONG}xxx`),
  ],
  'nothing at all': [res => res.end(), Buffer.alloc(0)],
  'nothing, with a callback': [res => res.end(() => {}), Buffer.alloc(0)],
  'an empty chunk': [res => res.end(''), Buffer.alloc(0)],
  'exactly a part': [res => res.end(Buffer.alloc(64 * KiB, 'y')), Buffer.alloc(64 * KiB, 'y')],
  'a byte more than a part': [
    res => res.end(Buffer.alloc(64 * KiB + 1, 'y')),
    Buffer.alloc(64 * KiB + 1, 'y'),
  ],
  'a pipe': [
    res => pipeline(Readable.from([LONG, Buffer.from('-'), LONG]), res as ServerHttp2Stream),
    Buffer.from(`${LONG}-${LONG}`),
  ],
  'one after each drain': [
    async res => {
      for (let at = 0; at < 8; at++) {
        if (!res.write(Buffer.from(LONG))) await once(res as ServerHttp2Stream, 'drain')
      }
      res.end()
    },
    Buffer.from(LONG.repeat(8)),
  ],
}

/** A governed server, and a client of it whose windows are as large as may be: what is sent arrives at once. */
async function serveHttp2(t: Test, handler: Listener, protocol: 'h2c' | 'h2' = 'h2c', window = 8 * MiB) {
  const governor = new Governor({ budget: 4 * MiB, logger: silent })
  const server = PROTOCOLS[protocol].create(governor.listener(handler))
  const port = await listening(t, server)
  const scheme = protocol === 'h2' ? 'https' : 'http'
  const session = http2.connect(`${scheme}://127.0.0.1:${port}`, {
    ca: CERTIFICATE.cert,
    settings: { initialWindowSize: window },
  })
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  await once(session, 'localSettings')
  session.setLocalWindowSize(window)
  return { governor, session }
}

async function got(session: ClientHttp2Session, path = '/'): Promise<Buffer> {
  const stream = session.request({ ':path': path })
  const body = await buffer(stream)
  if (!stream.closed) await once(stream, 'close')
  return body
}

for (const protocol of ['h2c', 'h2'] as const) {
  for (const [way, [send, expected]] of Object.entries(WAYS)) {
    t.test(`${protocol}: what is sent as ${way} arrives whole and in order`, async t => {
      const { governor, session } = await serveHttp2(
        t,
        (req, res) => {
          const { stream } = req as { stream: ServerHttp2Stream }
          if (req.url === '/') return send(res as unknown as Out)
          stream.respond({ ':status': 200 })
          return send(stream)
        },
        protocol,
      )
      t.ok((await got(session)).equals(expected), 'of a response')
      t.ok((await got(session, '/stream')).equals(expected), 'of a stream')
      await until(() => isIdle(governor), 'an idle governor')
    })
  }
}

for (const protocol of ['http', 'https'] as const) {
  t.test(`${protocol}: what is sent arrives whole and in order, however it is sent`, async t => {
    const ways = Object.values(WAYS)
    const sends = ways.map(([send]) => send)
    const governor = new Governor({ budget: 4 * MiB, logger: silent })
    const server = PROTOCOLS[protocol].create(
      governor.listener((req, res) => {
        req.resume()
        return sends.shift()?.(res as unknown as Out)
      }),
    )
    const client = PROTOCOLS[protocol].connect(await listening(t, server))
    t.teardown(() => client.close())
    for (const [, expected] of ways) t.equal((await client.post('')).text, expected.toString())
    await until(() => isIdle(governor), 'an idle governor')
  })
}

t.test('a part that is out is counted, before the whole of a write is', async t => {
  let stream: ServerHttp2Stream | undefined
  const { governor, session } = await serveHttp2(
    t,
    (req, res) => {
      stream = (req as { stream: ServerHttp2Stream }).stream
      ;(res as unknown as Out).end(Buffer.alloc(MiB))
    },
    'h2c',
    300 * KiB,
  )
  const reader = session.request({ ':path': '/' })
  reader.pause()
  const taken = (): number => bytesTaken(stream?.session?.socket as never, stream)
  await until(() => stream !== undefined && taken() >= 256 * KiB, 'as much as the window lets')
  t.ok(taken() <= 300 * KiB, `${taken()} bytes are out`)
  t.ok(governor.stats().reserved >= 512 * KiB, 'the rest is held')
  t.equal((await buffer(reader)).length, MiB)
  t.equal(taken(), MiB)
  await until(() => isIdle(governor), 'an idle governor')
})

t.test('a write tells its callback what became of all of it', async t => {
  const errors: unknown[] = []
  const { governor, session } = await serveHttp2(t, (req, res) => {
    const out = res as unknown as ServerHttp2Stream
    out.write(Buffer.alloc(200 * KiB), error => errors.push(error?.message))
    if (req.url === '/') out.end()
    else out.on('close', () => errors.push('closed'))
  })
  t.equal((await got(session)).length, 200 * KiB)
  t.same(errors, [undefined])
  const reader = session.request({ ':path': '/left' })
  await once(reader, 'response')
  reader.close(http2.constants.NGHTTP2_CANCEL)
  await until(() => errors.includes('closed'), 'the end of the response')
  await until(() => isIdle(governor), 'an idle governor')
})

t.test('a client that leaves amid a large write ends it, and nothing is left', async t => {
  const outcomes: string[] = []
  const { governor, session } = await serveHttp2(
    t,
    (req, res) => {
      const { stream } = req as { stream: ServerHttp2Stream }
      stream.on('close', () => outcomes.push('closed'))
      ;(res as unknown as Out).end(Buffer.alloc(2 * MiB))
    },
    'h2c',
    100 * KiB,
  )
  const reader = session.request({ ':path': '/' })
  await once(reader, 'data')
  reader.close(http2.constants.NGHTTP2_CANCEL)
  await until(() => outcomes.length === 1, 'the end of the stream')
  await until(() => isIdle(governor), 'an idle governor')
  t.equal((await got(session)).length, 2 * MiB, 'the session lives')
})

t.test('what is written wrongly fails as it does without us', async t => {
  const faults: unknown[] = []
  const { session } = await serveHttp2(t, req => {
    const { stream } = req as { stream: ServerHttp2Stream }
    stream.respond({ ':status': 200 })
    for (const encoding of ['none', 'nothing']) {
      try {
        stream.write(encoding === 'none' ? LONG : 'short', encoding as BufferEncoding)
      } catch (error) {
        faults.push((error as { code: string }).code)
      }
    }
    stream.on('error', error => faults.push((error as Error & { code: string }).code))
    stream.end('end')
    stream.write(LONG, error => faults.push((error as Error & { code: string }).code))
  })
  const reader = session.request({ ':path': '/' })
  reader.on('error', () => {})
  reader.resume()
  await once(reader, 'close')
  t.same([...new Set(faults)], ['ERR_UNKNOWN_ENCODING', 'ERR_STREAM_WRITE_AFTER_END'])
})

t.test('the default encoding of a stream is that of its long texts, too', async t => {
  const { session } = await serveHttp2(t, req => {
    const { stream } = req as { stream: ServerHttp2Stream }
    stream.respond({ ':status': 200 })
    stream.setDefaultEncoding('hex')
    stream.end('61'.repeat(100 * KiB))
  })
  t.ok((await got(session)).equals(Buffer.alloc(100 * KiB, 'a')))
})

t.test('files and pushed streams go out as they are', async t => {
  const path = join(t.testdir(), 'file')
  await writeFile(path, LONG)
  const { governor, session } = await serveHttp2(t, req => {
    const { stream } = req as { stream: ServerHttp2Stream }
    if (req.url === '/file') {
      stream.respondWithFile(path)
      return
    }
    stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => {
      pushed.respond({ ':status': 200 })
      pushed.end(LONG)
    })
    stream.respond({ ':status': 200 })
    stream.end(LONG)
  })
  const pushed = once(session, 'stream').then(([stream]) => buffer(stream))
  t.ok((await got(session, '/file')).equals(Buffer.from(LONG)), 'a file')
  t.ok((await got(session, '/push')).equals(Buffer.from(LONG)), 'what was asked for')
  t.ok((await pushed).equals(Buffer.from(LONG)), 'what was pushed')
  await until(() => isIdle(governor), 'an idle governor')
})

t.test('what is buffered is told after each write and after the end, whose results are the same', async t => {
  const through = new PassThrough({ highWaterMark: 10 })
  const told: number[] = []
  onWrite(through, bytes => told.push(bytes))
  t.equal(through.write('x'.repeat(4)), true)
  t.equal(through.write('x'.repeat(100)), false)
  t.equal(through.end('x'.repeat(5)), through)
  t.ok(told.length >= 3)
  t.ok((told.at(-1) as number) > 0)
})

t.test('of a socket that is closed nothing more is taken', async t => {
  t.equal(bytesTaken({ _handle: null } as never, undefined), 0)
  t.equal(bytesTaken({} as never, undefined), 0)
  t.equal(bytesTaken({} as never, {} as ServerHttp2Stream), 0, 'nor of a stream that is not counted')
})
