import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { RequestReservation } from '../src/governed-request.ts'
import { Governor, reservationOf } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { pipePath } from './fixtures/pipe-path.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

// A guard against hanging, far beyond what all of it takes.
t.setTimeout(120_000)

const KiB = 2 ** 10
const MiB = 2 ** 20

/** Reads the body and answers with its length, or with what became of it. */
const answerLength: Listener = async (req, res) => {
  try {
    let length = 0
    for await (const part of req) length += part.length
    res.end(String(length))
  } catch (error) {
    const { statusCode = 500, code = '' } = error as { statusCode?: number; code?: string }
    if (!res.destroyed) (Object.assign(res, { statusCode }) as ServerResponse).end(code)
  }
}

interface Setup {
  readonly options?: GovernorOptions
  readonly handler?: Listener
}

/** A governed server with a budget of 4 MiB. */
async function serve(t: Test, { options, handler = answerLength }: Setup = {}) {
  const governor = new Governor({ budget: 4 * MiB, logger: silent, ...options })
  const server = PROTOCOLS.http.create(governor.listener(handler))
  const port = await listening(t, server)
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  const open = (head: string, bytes = 0): Socket => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(`${head}\r\nHost: a\r\n\r\n`)
    if (bytes > 0) socket.write(Buffer.alloc(bytes))
    return socket
  }
  return {
    governor,
    port,
    open,
    /** Declares a body, sends some of it, then nothing. */
    stall: (declared: number, sent: number) => open(`POST / HTTP/1.1\r\nContent-Length: ${declared}`, sent),
    post: async (bytes: number) => {
      const client = PROTOCOLS.http.connect(port)
      t.teardown(() => client.close())
      return client.post('x'.repeat(bytes))
    },
    /** Everybody leaves. */
    end: async () => {
      for (const socket of sockets) socket.destroy()
      await until(() => isIdle(governor), 'an idle governor')
      t.match(governor.stats(), { reserved: 0, lent: 0, waiting: 0, paidIn: 0, lane: { reserved: 0 } })
    },
  }
}

t.test('who promises and does not send lends it to those who wait, and is not cut', async t => {
  const { governor, stall, post, end } = await serve(t)
  for (let at = 0; at < 16; at++) stall(MiB, 1)
  await until(() => governor.stats().waiting === 12, 'those who find no room')
  t.match(await post(MiB), { status: 200 })
  t.match(governor.stats().refused, {})
  await end()
})

t.test('who sends a body without a length lends it, too', async t => {
  const { governor, open, post, end } = await serve(t, { options: { maxBody: '4MiB' } })
  const slow = open('POST / HTTP/1.1\r\nTransfer-Encoding: chunked')
  slow.write('5\r\nhello\r\n')
  await until(() => governor.budget.paidIn === 5, 'its first chunk')
  t.match(await post(2 * MiB), { status: 200 })
  t.ok(governor.stats().lent > 0)
  slow.write('5\r\nworld\r\n0\r\n\r\n')
  const [answer] = await once(slow, 'data')
  t.match(String(answer), /\r\n\r\n10$/)
  t.match(governor.stats(), { refused: {} })
  await end()
})

/** Keeps what it has read of a body of 512 KiB until the test is over. */
function keeping(kept: ServerResponse[]): Listener {
  return (req, res) => {
    if (req.headers['content-length'] !== String(512 * KiB)) void answerLength(req, res)
    else req.resume().on('end', () => kept.push(res as ServerResponse))
  }
}

t.test('a body without length or bound begins beside others, and nobody waits behind it', async t => {
  const kept: ServerResponse[] = []
  const { governor, open, post, end } = await serve(t, {
    options: { queue: { lane: 0, passBytes: 0 } },
    handler: keeping(kept),
  })
  const chunked = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked'
  const chunk = `${MiB.toString(16)}\r\n${'x'.repeat(MiB)}\r\n`
  const holder = post(512 * KiB)
  await until(() => kept.length === 1, 'somebody who holds an eighth')
  const first = open(chunked)
  await until(() => governor.stats().lent > 3 * MiB, 'it is admitted with a part of all')
  const second = open(chunked)
  await until(() => governor.stats().waiting === 1, 'another one')
  t.match(await post(2 * MiB), { status: 200 }, 'who stands aside')
  first.write(chunk + chunk + chunk)
  await until(() => governor.budget.paidIn >= 3.4 * MiB, 'as it sends, it gets more')
  t.match(governor.stats(), { waiting: 1 })
  t.ok(governor.budget.reserved <= governor.budget.capacity)
  first.write('0\r\n\r\n')
  t.match(String((await once(first, 'data'))[0]), new RegExp(`\r\n\r\n${3 * MiB}$`))
  second.write('5\r\nhello\r\n0\r\n\r\n')
  t.match(String((await once(second, 'data'))[0]), /\r\n\r\n5$/)
  kept[0]?.end()
  await holder
  t.match(governor.stats().refused, {})
  await end()
})

t.test('what it has lent from the beginning is not counted to its share, either', async t => {
  const kept: ServerResponse[] = []
  const { governor, open, post, end } = await serve(t, {
    options: { share: { key: ({ headers }) => headers['x-key'], of: 0.5 } },
    handler: keeping(kept),
  })
  const holder = post(512 * KiB)
  await until(() => kept.length === 1, 'somebody who holds an eighth')
  open('POST / HTTP/1.1\r\nX-Key: a\r\nTransfer-Encoding: chunked')
  await until(() => governor.stats().lent > 3 * MiB, 'it is admitted with a part of all')
  const other = open(`POST / HTTP/1.1\r\nX-Key: a\r\nContent-Length: ${MiB}`, MiB)
  t.match(String((await once(other, 'data'))[0]), /^HTTP\/1.1 200 /)
  kept[0]?.end()
  await holder
  t.match(governor.stats().refused, {})
  await end()
})

t.test('one that sends nothing is cut where another of its kind waits, whatever room there is', async t => {
  const kept: ServerResponse[] = []
  const { governor, open, post, end } = await serve(t, { handler: keeping(kept) })
  const chunked = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked'
  const holder = post(512 * KiB)
  await until(() => kept.length === 1, 'somebody who holds an eighth')
  const dead = open(chunked)
  const answer = text(dead)
  await until(() => governor.stats().lent > 3 * MiB, 'it is admitted with a part of all')
  const next = open(chunked)
  next.write('5\r\nhello\r\n0\r\n\r\n')
  t.match(String((await once(next, 'data'))[0]), /^HTTP\/1.1 200 /)
  t.match(await answer, /^HTTP\/1.1 408 /)
  kept[0]?.end()
  await holder
  t.strictSame(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
  await end()
})

t.test('a sender whose promise was lent finishes once it sends', async t => {
  const { governor, stall, post, end } = await serve(t)
  const slow = stall(4 * MiB, 1)
  await until(() => governor.stats().active === 1, 'the slow one')
  t.match(await post(2 * MiB), { status: 200 })
  t.ok(governor.stats().lent > 0)
  slow.write(Buffer.alloc(4 * MiB - 1))
  const [answer] = await once(slow, 'data')
  t.match(String(answer), /^HTTP\/1.1 200 /)
  await end()
})

t.test('who sends again where there is no room is not read on until there is', async t => {
  const kept: ServerResponse[] = []
  const { governor, stall, post, end } = await serve(t, {
    handler: (req, res) => {
      if (req.headers['content-length'] !== String(3 * MiB)) void answerLength(req, res)
      else req.resume().on('end', () => kept.push(res as ServerResponse))
    },
  })
  const slow = stall(4 * MiB, 1)
  await until(() => governor.stats().active === 1, 'the slow one')
  const fast = post(3 * MiB)
  await until(() => kept.length === 1, 'the other, which holds all that was lent')
  slow.write(Buffer.alloc(4 * MiB - 1))
  await until(() => governor.budget.halted === 1, 'the slow one, halted')
  t.ok(governor.budget.reserved <= governor.budget.capacity)
  kept[0]?.end()
  t.match(await fast, { status: 200 })
  const [answer] = await once(slow, 'data')
  t.match(String(answer), /^HTTP\/1.1 200 /)
  await end()
})

t.test(
  'who has sent nearly all and stalls is answered with 408 where others wait, and its connection closed',
  async t => {
    const { governor, stall, post, end } = await serve(t)
    const slow = [stall(2 * MiB, 2 * MiB - 10_000), stall(2 * MiB, 2 * MiB - 10_000)]
    const answers = slow.map(socket => text(socket))
    await until(() => governor.budget.paidIn > 3.9 * MiB, 'what they have sent')
    t.match(await post(MiB), { status: 200 })
    const answered = await Promise.race(answers)
    t.match(answered, /^HTTP\/1.1 408 /)
    t.match(answered, /connection: close/i)
    t.match(answered, /ERR_PLIMSOLL_TOO_SLOW$/)
    t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
    t.equal(governor.stats().active, 1, 'no more than were in the way')
    await end()
  },
)

t.test('nobody is cut while there is room, however still he stands', async t => {
  const { governor, stall, end } = await serve(t)
  stall(2 * MiB, 2 * MiB - 10_000)
  await until(() => governor.budget.paidIn > 1.9 * MiB, 'what was sent')
  await new Promise(resolve => setTimeout(resolve, 1500))
  t.match(governor.stats(), { active: 1, refused: {} })
  await end()
})

t.test('what a response has buffered is held, as a debt where there is no room', async t => {
  const { governor, open, end } = await serve(t, {
    handler: (_req, res) => {
      for (let at = 0; at < 16; at++) (res as ServerResponse).write(Buffer.alloc(MiB))
    },
  })
  const reader = open('GET / HTTP/1.1')
  reader.pause()
  await until(() => governor.stats().reserved > 4 * MiB, 'a debt')
  t.equal(governor.stats().available, 0)
  await end()
})

t.test('a reader who does not take what is buffered for it is cut off where others wait', async t => {
  const { governor, open, post, end } = await serve(t, {
    handler: (req, res) => (req.method === 'POST' ? answerLength(req, res) : res.end(Buffer.alloc(16 * MiB))),
  })
  const reader = open('GET / HTTP/1.1')
  reader.pause()
  await until(() => governor.stats().reserved > 4 * MiB, 'a debt')
  t.match(await post(MiB), { status: 200 })
  t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
  reader.resume()
  await once(reader, 'close')
  t.ok(reader.bytesRead < 16 * MiB, `${reader.bytesRead} bytes`)
  await end()
})

t.test('a stream that has nothing to send is not slow', async t => {
  const { governor, open, stall, post, end } = await serve(t, {
    options: { cost: ({ declaredBytes = 0 }) => declaredBytes || MiB },
    handler: (req, res) =>
      req.method === 'POST' ? answerLength(req, res) : (res as ServerResponse).write('data: hello\n\n'),
  })
  const stream = open('GET / HTTP/1.1')
  await once(stream, 'data')
  const slow = stall(3 * MiB, 3 * MiB - 10_000)
  await until(() => governor.budget.paidIn > 2.9 * MiB, 'what was sent')
  t.match(await post(2 * MiB), { status: 200 })
  t.match(await text(slow), /^HTTP\/1.1 408 /)
  t.equal(stream.destroyed, false)
  t.equal(governor.stats().active, 1)
  await end()
})

t.test('whose handler does not read is not to blame for it', async t => {
  const waiting: (() => void)[] = []
  const { governor, open, post, end } = await serve(t, {
    handler: (req, res) => {
      if (req.url === '/') void answerLength(req, res)
      else waiting.push(() => answerLength(req, res))
    },
  })
  const upload = open(`POST /later HTTP/1.1\r\nContent-Length: ${3 * MiB}`, 3 * MiB)
  await until(() => waiting.length === 1, 'the handler')
  const next = post(2 * MiB)
  await until(() => governor.stats().waiting === 1, 'who waits for it')
  await new Promise(resolve => setTimeout(resolve, 1500))
  t.match(governor.stats(), { active: 1, waiting: 1, refused: {} })
  waiting[0]?.()
  const [answer] = await once(upload, 'data')
  t.match(String(answer), /^HTTP\/1.1 200 /)
  t.match(await next, { status: 200 })
  await end()
})

t.test('a small request does not wait behind large ones', async t => {
  const { governor, stall, post, end } = await serve(t, { options: { budget: 4 * MiB } })
  stall(4 * MiB, 4 * MiB - 10)
  stall(4 * MiB, 1)
  await until(() => governor.stats().waiting === 1, 'a large one that waits')
  t.match(await post(16 * KiB), { status: 200 })
  t.match(governor.stats(), { waiting: 1, lane: { capacity: 256 * KiB, reserved: 0 } })
  await end()
})

t.test('a reader on a Unix domain socket is cut as one of TCP', async t => {
  const governor = new Governor({ budget: 4 * MiB, logger: silent })
  const server = PROTOCOLS.http.create(
    governor.listener((req, res) =>
      req.method === 'POST' ? answerLength(req, res) : res.end(Buffer.alloc(16 * MiB)),
    ),
  )
  const path = pipePath('slow')
  await once(server.listen(path), 'listening')
  const [reader, other] = [connect(path), connect(path)]
  t.teardown(() => {
    reader.destroy()
    other.destroy()
    server.close()
  })
  reader.on('error', () => {}).pause()
  reader.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => governor.stats().reserved > 4 * MiB, 'a debt')
  other.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${MiB}\r\n\r\n`)
  other.write(Buffer.alloc(MiB))
  const [answer] = await once(other, 'data')
  t.match(String(answer), /^HTTP\/1.1 200 /)
  t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
})

t.test('a handler that breaks off a body that is not read on answers', async t => {
  const kept: ServerResponse[] = []
  const { governor, open, stall, post, end } = await serve(t, {
    handler: async (req, res) => {
      if (req.url === '/break') {
        for await (const _ of req) if (governor.budget.halted > 0) break
        res.end('broken off')
      } else if (req.headers['content-length'] !== String(3 * MiB)) await answerLength(req, res)
      else req.resume().on('end', () => kept.push(res as ServerResponse))
    },
  })
  const slow = open(`POST /break HTTP/1.1\r\nContent-Length: ${4 * MiB}`, 1)
  await until(() => governor.stats().active === 1, 'the slow one')
  const fast = post(3 * MiB)
  await until(() => kept.length === 1, 'the other, which holds all that was lent')
  slow.write(Buffer.alloc(4 * MiB - 1))
  const [answer] = await once(slow, 'data')
  t.match(String(answer), /broken off$/)
  kept[0]?.end()
  t.match(await fast, { status: 200 })
  await once(stall(1, 1), 'data')
  await end()
})

t.test('of the lane nothing is lent', async t => {
  const { governor, stall, end } = await serve(t, { options: { queue: { lane: 2 * MiB } } })
  const room = governor.budget.charge(4 * MiB)
  for (let at = 0; at < 6; at++) stall(400 * KiB, 1)
  await until(() => governor.stats().waiting === 1, 'one for whom it has no room')
  t.match(governor.stats(), { active: 5, lane: { reserved: 5 * 400 * KiB } })
  await until(() => governor.stats().waiting === 0, 'the end of one who stands still')
  t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
  t.equal(governor.stats().lane.reserved, 5 * 400 * KiB)
  room.release()
  await end()
})

t.test('a request of the lane whose answer is not taken is cut off for who waits elsewhere', async t => {
  const { governor, open, post, end } = await serve(t, {
    handler: (req, res) =>
      req.url === '/'
        ? answerLength(req, res)
        : req.resume().on('end', () => res.end(Buffer.alloc(16 * MiB))),
  })
  const room = governor.budget.charge(4 * MiB)
  const reader = open('POST /large HTTP/1.1\r\nContent-Length: 10', 10)
  reader.pause()
  await until(() => governor.stats().reserved > 8 * MiB, 'a debt')
  t.match(governor.stats(), { lane: { reserved: 10 } })
  room.release()
  t.match(await post(MiB), { status: 200 })
  t.match(governor.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
  await end()
})

for (const [what, resize] of [
  ['finish where one of them grows', false],
  ['let others pass where the capacity was shrunk below what they were promised', true],
] as const) {
  t.test(`senders that are halted ${what}`, async t => {
    const handed: RequestReservation[] = []
    const { governor, stall, open, end } = await serve(t, {
      options: { budget: 16 * MiB },
      handler: (req, res) => {
        handed.push(reservationOf(req))
        return answerLength(req, res)
      },
    })
    const { budget } = governor
    const slow = [stall(6 * MiB, 1), stall(6 * MiB, 1)]
    const answers = slow.map(socket => once(socket, 'data'))
    await until(() => governor.stats().active === 2, 'the slow ones')
    const others = [stall(5 * MiB, 1), stall(5 * MiB, 1)]
    await until(() => budget.lent > 11 * MiB && budget.waiting === 0, 'what they have lent')
    for (const other of others) other.destroy()
    await until(() => governor.stats().active === 2, 'the end of the others')
    let kept = MiB
    if (resize) budget.resize(5 * MiB)
    else {
      // Both together would have all that is left, and each wait for the other.
      t.equal(handed[0]?.tryGrow(5.5 * MiB), true)
      t.equal(handed[1]?.tryGrow(5.5 * MiB), false)
      kept = 4 * MiB
    }
    const room = budget.charge(kept)
    // But for the last ones: who was done would let the other go on, before anybody has looked.
    for (const socket of slow) socket.write(Buffer.alloc(6 * MiB - KiB))
    // Without a resize one or both, by which bytes come first: who holds the room is not among those who lend.
    await until(() => budget.halted >= (resize ? 2 : 1), 'those who are halted')
    if (resize) {
      room.release()
      const [answer] = await once(open(`POST / HTTP/1.1\r\nContent-Length: ${MiB}`, MiB), 'data')
      t.match(String(answer), /^HTTP\/1.1 200 /)
      t.equal(budget.halted, 2)
      budget.resize(16 * MiB)
    } else room.release()
    for (const socket of slow) socket.write(Buffer.alloc(KiB - 1))
    for (const [answer] of await Promise.all(answers)) t.match(String(answer), /^HTTP\/1.1 200 /)
    await end()
  })
}

t.test('a share stays one while its requests are open, whatever they have shrunk to', async t => {
  const kept: ServerResponse[] = []
  const { governor, open, end } = await serve(t, {
    options: { share: { key: () => 'key' } },
    handler: (req, res) => {
      if (req.url === '/shrinks') reservationOf(req).shrink(0)
      kept.push(res as ServerResponse)
    },
  })
  open('POST /shrinks HTTP/1.1\r\nContent-Length: 1000', 1000)
  await until(() => kept.length === 1, 'one that holds nothing any more')
  open(`POST /keeps HTTP/1.1\r\nContent-Length: ${MiB}`)
  await until(() => kept.length === 2, 'one that holds all of the share')
  kept[0]?.end()
  await until(() => governor.stats().active === 1, 'the end of the first')
  t.equal(governor.stats().keys, 1)
  open(`POST /keeps HTTP/1.1\r\nContent-Length: ${MiB}`)
  await until(() => governor.stats().waiting === 1, 'one that waits for the share')
  t.equal(governor.stats().reserved, MiB)
  await end()
  t.equal(governor.stats().keys, 0)
})

t.test('what a request without cost asks for later is of its share', async t => {
  const granted: string[] = []
  const { governor, open, end } = await serve(t, {
    options: { share: { key: () => 'key' } },
    handler: async req => {
      await reservationOf(req).requeue(MiB)
      granted.push(req.url as string)
    },
  })
  const first = open('GET /1 HTTP/1.1')
  await until(() => granted.length === 1, 'the first')
  open('GET /2 HTTP/1.1')
  await until(() => governor.budget.waiting === 1, 'one that waits for the share')
  t.equal(governor.stats().reserved, MiB)
  first.destroy()
  await until(() => granted.length === 2, 'the second')
  await end()
  t.equal(governor.stats().keys, 0)
})

t.test('a request whose connection dies before its turn does not wait for its share', async t => {
  const { governor, open, end } = await serve(t, {
    options: { share: { key: () => 'key' } },
    handler: () => {},
  })
  open(`POST / HTTP/1.1\r\nContent-Length: ${MiB}`)
  const pipelining = open(`GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: ${MiB}`)
  await until(() => governor.stats().active === 2 && governor.stats().waiting === 1, 'one behind another')
  pipelining.destroy()
  await until(() => governor.stats().waiting === 0, 'its end')
  t.equal(governor.budget.waiting, 0)
  await end()
})
