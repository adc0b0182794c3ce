import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { CERTIFICATE } from './fixtures/certificate.ts'
import { answerFault, isIdle } from './fixtures/governed-server.ts'
import { type Client, type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

t.setTimeout(120_000)

const KiB = 2 ** 10
const MiB = 2 ** 20

type Name = keyof typeof PROTOCOLS
const NAMES = Object.keys(PROTOCOLS) as Name[]
const isHttp2 = (name: Name): boolean => name.startsWith('h2')

/** Reads the body and answers with its length, or with what became of it; to a GET with 16 MiB. */
const listener: Listener = async (req, res) => {
  const out = res as http.ServerResponse
  if (req.method === 'GET') {
    out.end(Buffer.alloc(16 * MiB))
    return
  }
  try {
    let length = 0
    for await (const part of req) length += part.length
    out.end(String(length))
  } catch (error) {
    if (!res.destroyed) answerFault(res, error)
  }
}

async function serve(t: Test, name: Name, options: GovernorOptions = {}) {
  const governor = new Governor({ budget: 4 * MiB, logger: silent, ...options })
  const server = PROTOCOLS[name].create(governor.listener(listener))
  const port = await listening(t, server)
  const connect = (): Client => {
    const client = PROTOCOLS[name].connect(port)
    t.teardown(() => client.close())
    return client
  }
  return {
    governor,
    port,
    connect,
    /** Declares a body and sends a part of it. */
    upload(declared: number, sent: number, client = connect()) {
      const asking = client.ask(declared)
      asking.write(Buffer.alloc(sent))
      return asking
    },
    post: (bytes: number) => {
      const asking = connect().ask(bytes)
      asking.end('x'.repeat(bytes))
      return asking.answer()
    },
    paidIn: (bytes: number) => until(() => governor.budget.paidIn >= bytes, `${bytes} bytes`),
    idle: async () => {
      await until(() => isIdle(governor), 'an idle governor')
      t.match(governor.stats(), { reserved: 0, lent: 0, waiting: 0, paidIn: 0, lane: { reserved: 0 } })
    },
  }
}

for (const name of NAMES) {
  t.test(`${name}: who promises and stalls lends it, and finishes once it sends`, async t => {
    const { governor, upload, post, idle } = await serve(t, name)
    const slow = upload(4 * MiB, 1)
    await until(() => governor.stats().active === 1, 'the slow one')
    t.match(await post(2 * MiB), { status: 200, text: String(2 * MiB) })
    t.ok(governor.stats().lent > 0)
    slow.end('x'.repeat(4 * MiB - 1))
    t.match(await slow.answer(), { status: 200, text: String(4 * MiB) })
    t.match(governor.stats().refused, {})
    await idle()
  })

  t.test(`${name}: who sends again where there is no room is halted, and resumed`, async t => {
    const { governor, connect, upload, paidIn, idle } = await serve(t, name)
    const slow = upload(4 * MiB, 1)
    await until(() => governor.stats().active === 1, 'the slow one')
    // Moves on all the while, so that it is not cut.
    const fast = upload(3 * MiB, 2 * MiB, connect())
    await paidIn(2 * MiB)
    slow.end('x'.repeat(4 * MiB - 1))
    await until(() => governor.budget.halted === 1, 'the slow one, halted')
    t.ok(governor.budget.reserved <= governor.budget.capacity)
    fast.end('x'.repeat(MiB))
    t.match(await fast.answer(), { status: 200, text: String(3 * MiB) })
    t.match(await slow.answer(), { status: 200, text: String(4 * MiB) })
    t.match(governor.stats().refused, {})
    await idle()
  })

  t.test(`${name}: who has sent nearly all and stalls is answered with 408 where others wait`, async t => {
    const { governor, connect, upload, post, paidIn, idle } = await serve(t, name)
    const client = connect()
    const slow = upload(3 * MiB, 3 * MiB - 10 * KiB, client)
    await paidIn(2.9 * MiB)
    t.match(await post(2 * MiB), { status: 200 })
    const answer = await slow.answer()
    t.match(answer, { status: 408, text: 'ERR_PLIMSOLL_TOO_SLOW' })
    if (isHttp2(name)) t.match(await client.post('next'), { status: 200, text: '4' }, 'its session lives')
    else t.equal(answer.headers.connection, 'close')
    t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
    slow.leave()
    await idle()
  })
}

/** A response of which nobody reads anything yet. */
async function unread(t: Test, name: Name, port: number): Promise<Readable> {
  if (isHttp2(name)) {
    const stream = session(t, name, port).request({ ':path': '/' })
    stream.on('error', () => {})
    await once(stream, 'response')
    return stream
  }
  const protocol = name === 'https' ? https : http
  const agent = new protocol.Agent()
  t.teardown(() => agent.destroy())
  const request = protocol.get({ port, host: '127.0.0.1', ca: CERTIFICATE.cert, agent })
  request.on('error', () => {})
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  return response
}

function session(t: Test, name: Name, port: number, initialWindowSize = 32 * KiB): ClientHttp2Session {
  const url = `${name === 'h2' ? 'https' : 'http'}://127.0.0.1:${port}`
  const session = http2.connect(url, { ca: CERTIFICATE.cert, settings: { initialWindowSize } })
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  return session
}

for (const name of NAMES) {
  t.test(`${name}: who does not take what is buffered for it is cut off where others wait`, async t => {
    const { governor, port, post, idle } = await serve(t, name)
    const reader = await unread(t, name, port)
    await until(() => governor.stats().reserved > 4 * MiB, 'a debt')
    t.match(await post(MiB), { status: 200 })
    t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
    let bytes = 0
    reader.on('data', part => {
      bytes += part.length
    })
    await until(() => reader.closed, 'its end')
    t.ok(bytes < 16 * MiB, `${bytes} bytes`)
    if (isHttp2(name))
      t.equal((reader as ClientHttp2Stream).rstCode, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
    await idle()
  })

  // A client's kernel says that there is room again once that is a sixteenth of its buffer, which is 6 MiB.
  const pace = isHttp2(name) ? 4 * KiB : 256 * KiB
  t.test(`${name}: who takes it slowly is not cut off, though others wait`, async t => {
    const { governor, port, post, idle } = await serve(t, name)
    const reader = await unread(t, name, port)
    await until(() => governor.stats().reserved > 4 * MiB, 'a debt')
    const next = post(MiB)
    await until(() => governor.stats().waiting === 1, 'who waits')
    let bytes = 0
    // For longer than twice the grace of who holds as much.
    for (let turn = 0; turn < 25; turn++) {
      await sleep(100)
      for (let left = pace; left > 0; ) {
        const part = reader.read(Math.min(left, 8 * KiB)) ?? reader.read()
        if (part === null) await once(reader, 'readable')
        left -= part?.length ?? 0
        bytes += part?.length ?? 0
      }
    }
    t.match(governor.stats(), { active: 1, waiting: 1, refused: {} })
    reader.on('data', part => {
      bytes += part.length
    })
    await once(reader, 'end')
    t.equal(bytes, 16 * MiB)
    t.match(await next, { status: 200 })
    await idle()
  })
}

for (const name of ['h2c', 'h2'] as const) {
  t.test(`${name}: of a session only the stream that is not taken is cut off`, async t => {
    const { governor, port, post, idle } = await serve(t, name)
    const all = session(t, name, port)
    const still = all.request({ ':path': '/' })
    still.on('error', () => {})
    await once(still, 'response')
    await until(() => governor.stats().reserved > 4 * MiB, 'a debt')
    const upload = all.request({ ':method': 'POST', ':path': '/' })
    const answered = once(upload, 'response')
    upload.end('x'.repeat(10))
    t.match(await post(MiB), { status: 200 })
    upload.resume()
    const [head] = await answered
    t.equal(head[':status'], 200)
    still.resume()
    await until(() => still.closed, 'its end')
    t.equal(still.rstCode, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
    t.equal(all.destroyed, false)
    await idle()
  })
}
