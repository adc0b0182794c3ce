import { createServer, type ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Listener, listening } from './fixtures/http-servers.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post, RawClient } from './fixtures/raw-client.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const EXPECT = { Expect: '100-continue' }

const answerLength: Listener = async (req, res) => {
  let length = 0
  for await (const part of req) length += part.length
  res.end(`length ${length}`)
}

interface Wire {
  readonly governor: Governor
  readonly client: RawClient
  connect(): Promise<RawClient>
}

/** A test of what goes over the wire, with a server that a governor is attached to. */
function wire(
  name: string,
  { governed = true, handler = answerLength, ...options }: Setup & GovernorOptions,
  run: (t: Test, wire: Wire) => Promise<void>,
): void {
  t.test(name, async t => {
    const governor = new Governor({ budget: 1000, logger: silent, ...options })
    const server = createServer(governed ? governor.listener(handler) : handler)
    governor.attach(server)
    const port = await listening(t, server)
    const connect = async (): Promise<RawClient> => {
      const client = await RawClient.connect(port)
      t.teardown(() => client.leave())
      return client
    }
    await run(t, { governor, client: await connect(), connect })
    await until(
      () => isIdle(governor),
      () => `an idle governor, it has ${JSON.stringify(governor.stats())}`,
    )
  })
}

interface Setup {
  /** Whether the handler stands behind the governor. Default true. */
  readonly governed?: boolean
  readonly handler?: Listener
}

wire('an accepted client keeps its connection', {}, async (t, { client }) => {
  for (let n = 0; n < 5; n++) {
    client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 5 }))
    await client.answers(2 * n + 1)
    client.write('12345')
    await client.answers(2 * n + 2)
  }
  t.same(client.statuses, [100, 200, 100, 200, 100, 200, 100, 200, 100, 200])
  t.notMatch(client.received, /Connection: close/i)
  client.write(post('/', '123'))
  await client.receives('length 3')
})

wire('a body without a length is told to come, too', {}, async (t, { client }) => {
  client.write(head('POST', '/', { ...EXPECT, ...CHUNKED }))
  t.same(await client.answers(1), [100])
  client.write(chunk('12345') + LAST_CHUNK)
  await client.receives('length 5')
})

for (const [what, setup] of Object.entries<Setup & GovernorOptions>({
  'a refusal': { maxBody: 4 },
  'an answer of a handler that does not read': { governed: false, handler: (_req, res) => res.end() },
})) {
  wire(
    `${what} before the 100 ends the connection, since nobody knows what will come`,
    setup,
    async (t, { client }) => {
      client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 5 }))
      const [status] = await client.answers(1)
      t.not(status, 100)
      t.match(client.received, /Connection: close/i)
      client.write(post('/after', '123'))
      await client.closed()
      t.equal(client.statuses.length, 1, 'nothing that follows is taken for a request')
    },
  )
}

wire(
  'a client that was told is closed as without a governor, where its answer says so and comes before its body',
  { budget: '1GiB', handler: (_req, res) => res.writeHead(200, { Connection: 'close' }).end() },
  async (t, { client }) => {
    // A lingering close would wait.
    new FakeClock(t)
    client.socket.allowHalfOpen = true
    client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 2 ** 30 }))
    t.same(await client.answers(2), [100, 200])
    client.writeEndlessly(Buffer.alloc(1000))
    await client.closed()
  },
)

wire('nobody on HTTP/1.0 is told anything', {}, async (t, { client }) => {
  client.write('POST / HTTP/1.0\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n12345')
  await client.closed()
  t.same(client.statuses, [200])
  t.match(client.received, 'length 5')
})

wire('another expectation fails, as without a governor', {}, async (t, { client }) => {
  client.write(head('POST', '/', { Expect: '200-ok', 'Content-Length': 5 }))
  t.same(await client.answers(1), [417])
})

{
  const answer: (() => void)[] = []
  wire(
    'who asks behind another request of its connection is told in its turn',
    {
      handler: (req, res) =>
        req.url === '/first' ? answer.push(() => res.end('1st')) : answerLength(req, res),
    },
    async (t, { governor, client }) => {
      client.write(post('/first', '1') + head('POST', '/second', { ...EXPECT, 'Content-Length': 5 }))
      await until(() => governor.stats().waiting === 1 && answer.length === 1, 'its wait for its turn')
      await turns()
      t.same(client.statuses, [])
      answer[0]?.()
      t.same(await client.answers(2), [200, 100])
      client.write('12345')
      await client.receives('length 5')
      t.same(client.statuses, [200, 100, 200])
    },
  )
}

wire(
  'who asks behind another request is refused in its turn, without a 100',
  { maxBody: 4, handler: (req, res) => setTimeout(() => answerLength(req, res), 20) },
  async (t, { client }) => {
    client.write(post('/first', '1') + head('POST', '/second', { ...EXPECT, 'Content-Length': 5 }))
    t.same(await client.answers(2), [200, 413])
    await client.closed()
  },
)

wire('who waits for its 100 and goes leaves the queue at once', {}, async (t, { governor, client }) => {
  const room = governor.budget.charge(1000)
  client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 5 }))
  await until(() => governor.stats().waiting === 1, 'its place in the queue')
  client.reset()
  await until(() => governor.stats().waiting === 0, 'its end')
  t.match(governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 } })
  room.release()
})

{
  let aborted = 0
  wire(
    'who goes after its 100 frees what was reserved for its body',
    { handler: req => req.on('error', () => aborted++).resume() },
    async (t, { governor, client }) => {
      client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 500 }))
      t.same(await client.answers(1), [100])
      t.equal(governor.budget.reserved, 500)
      client.leave()
      await until(() => governor.budget.reserved === 0, 'the release')
      t.equal(aborted, 1)
    },
  )
}

wire(
  'a thousand who ask and go leave nothing',
  { queue: { limit: 100 } },
  async (t, { governor, client, connect }) => {
    const room = governor.budget.charge(1000)
    client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 5 }))
    for (let n = 0; n < 10; n++) {
      const clients = await Promise.all(Array.from({ length: 100 }, connect))
      for (const each of clients) each.write(head('POST', '/', { ...EXPECT, 'Content-Length': 5 }))
      await until(() => governor.stats().waiting === 100, 'a full queue')
      for (const each of clients) each.reset()
      await until(() => governor.stats().waiting === 1, 'one that stays')
    }
    room.release()
    t.same(await client.answers(1), [100])
    client.write('12345')
    await client.receives('length 5')
  },
)

wire(
  'a handler that has begun to answer gets no 100 into its answer',
  {
    governed: false,
    handler: (req, res) => {
      res.writeHead(200, { 'Content-Length': 8 })
      ;(res as ServerResponse).flushHeaders()
      return answerLength(req, res)
    },
  },
  async (t, { client }) => {
    client.write(head('POST', '/', { ...EXPECT, 'Content-Length': 5 }))
    client.write('12345')
    await client.receives('length 5')
    t.same(client.statuses, [200])
  },
)

t.test('only a server can be attached', async t => {
  const governor = new Governor({ budget: 1000, logger: silent })
  for (const wrong of [undefined, null, {}, 'server', () => {}]) {
    t.throws(() => governor.attach(anyValue(wrong)), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^server must be/,
    })
  }
})

async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await setImmediate()
}
