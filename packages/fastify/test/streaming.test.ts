import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { head, open, RawClient } from './fixtures/client.ts'
import { type GovernedApp, governedApp, KiB, MiB } from './fixtures/governed-app.ts'
import { gate, soon, until } from './fixtures/until.ts'

const COST = 64 * KiB
const options = { budget: '1MiB', cost: COST } as const

async function download(server: GovernedApp): Promise<IncomingMessage> {
  const req = open(server.port, '/')
  req.end()
  const [res] = (await soon(once(req, 'response'), 'the answer')) as [IncomingMessage]
  return res
}

const PIECES = 5

/** Pieces that are made one by one: each but the first when it is asked for. */
class Pieces {
  readonly #asked = Array.from({ length: PIECES }, () => gate())

  /** Lets the next be made, or the end come after the last. */
  ask(after: number): void {
    this.#asked[after]?.open()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (const next of this.#asked) {
      yield Buffer.alloc(KiB, 'x')
      await next.promise
    }
  }
}

const WAYS: [how: string, reply: (reply: FastifyReply, pieces: Pieces) => unknown][] = [
  ['a stream', (reply, pieces) => reply.send(Readable.from(pieces, { objectMode: false }))],
  ['a generator', (reply, pieces) => reply.send(Readable.from(pieces))],
  ['a web stream', (reply, pieces) => reply.send(Readable.toWeb(Readable.from(pieces)))],
  ['a Response', (reply, pieces) => reply.send(new Response(Readable.toWeb(Readable.from(pieces)) as never))],
  [
    'a PassThrough',
    (reply, pieces) => {
      const through = new PassThrough()
      Readable.from(pieces).pipe(through)
      return reply.send(through)
    },
  ],
]

for (const [how, reply] of WAYS) {
  for (const style of ['async', 'callback'] as const) {
    t.test(`${how} from a ${style} handler still streams, and holds until its last byte`, async t => {
      const pieces = new Pieces()
      const server = await governedApp(t, {
        options,
        routes: app => {
          if (style === 'async') app.get('/', async (_request, answer) => reply(answer, pieces))
          else {
            app.get('/', (_request, answer) => {
              reply(answer, pieces)
            })
          }
        },
      })
      const res = await download(server)
      let length = 0
      res.on('data', (chunk: Buffer) => {
        length += chunk.length
      })
      for (let piece = 0; piece < PIECES; piece++) {
        await until(() => length === (piece + 1) * KiB, `piece ${piece} to come before the next is made`)
        t.equal(server.governor.budget.reserved, COST)
        pieces.ask(piece)
      }
      await soon(once(res, 'end'), 'the end')
      t.equal(length, PIECES * KiB)
      await server.leavesNothing(t)
    })
  }
}

t.test('a slow reader holds its reservation until its last byte is out', async t => {
  const chunks = 512
  let made = 0
  const server = await governedApp(t, {
    options,
    routes: app =>
      app.get('/', async (_request, reply) =>
        reply.send(
          new Readable({
            read() {
              this.push(made++ < chunks ? Buffer.alloc(64 * KiB) : null)
            },
          }),
        ),
      ),
  })
  const res = await download(server)
  let length = 0
  let lastHeld = 0
  for await (const chunk of res) {
    length += (chunk as Buffer).length
    if (server.governor.budget.reserved >= COST) lastHeld = length
    else t.ok(made > chunks, 'released only when all was made')
    // One turn for each chunk: the server runs ahead as far as the buffers let it.
    await new Promise(setImmediate)
  }
  t.equal(length, chunks * 64 * KiB)
  t.ok(lastHeld > length / 2, `held at ${lastHeld} of ${length} bytes`)
  await server.leavesNothing(t)
})

t.test('an answer in one large buffer holds until the client has taken it', async t => {
  let answered = false
  const server = await governedApp(t, {
    options: { budget: '64MiB', cost: '32MiB' },
    routes: app => {
      app.get('/', async () => Buffer.alloc(32 * MiB))
      app.addHook('onSend', async () => {
        setImmediate(() => {
          answered = true
        })
      })
    },
  })
  const client = await RawClient.to(server.port)
  client.socket.pause()
  client.write(head('GET /', { connection: 'close' }))
  await until(() => answered, 'the handler to be done')
  // The kernel's buffers hold a part of it at most, so it can't all be out.
  t.equal(server.governor.budget.reserved, 32 * MiB)
  t.equal(server.governor.stats().active, 1)
  client.socket.resume()
  await soon(client.closed, 'the download')
  t.ok(client.received.length > 32 * MiB)
  await server.leavesNothing(t)
})

t.test('downloads wait for each other: one that is read slowly keeps the next one out', async t => {
  const pieces = [new Pieces(), new Pieces()]
  let downloads = 0
  const server = await governedApp(t, {
    options: { budget: COST, cost: COST },
    routes: app =>
      app.get('/', async (_request, reply) => reply.send(Readable.from(pieces[downloads++] as Pieces))),
  })
  const first = await download(server)
  await soon(once(first, 'data'), 'the first piece')
  const next = open(server.port, '/')
  next.end()
  await until(() => server.governor.stats().waiting === 1, 'the second download to wait')
  first.resume()
  for (let piece = 0; piece < PIECES; piece++) {
    t.equal(downloads, 1)
    for (const made of pieces) made.ask(piece)
  }
  const [second] = (await soon(once(next, 'response'), 'the second download')) as [IncomingMessage]
  t.equal(second.statusCode, 200)
  second.resume()
  await soon(once(second, 'end'), 'its end')
  await server.leavesNothing(t)
})

t.test('a HEAD of a streamed reply releases, and closes its source', async t => {
  const sources: Readable[] = []
  const server = await governedApp(t, {
    options,
    routes: app =>
      app.get('/', (_request, reply) => {
        const source = Readable.from(['a', 'b', 'c'])
        sources.push(source)
        return reply.send(source)
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('HEAD /', { connection: 'close' }))
  await soon(client.closed, 'the answer')
  t.match(client.received, /^HTTP\/1\.1 200 OK\r\n/)
  await server.leavesNothing(t)
  await until(() => sources[0]?.destroyed === true, 'the source to be closed')
})

t.test('an informational and a trailer-bearing reply are as without the plugin', async t => {
  const server = await governedApp(t, {
    options,
    routes: app =>
      app.get('/', async (_request, reply) => {
        reply.raw.writeProcessing()
        reply.trailer('x-sum', async () => 'fine')
        return reply.send(Readable.from(['a', 'b', 'c']))
      }),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /', { connection: 'close' }))
  await soon(client.closed, 'the answer')
  t.strictSame(client.answers, [102, 200])
  t.match(client.received, /x-sum: fine\r\n\r\n$/)
  await server.leavesNothing(t)
})
