import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import t from 'tap'
import { FakeClock } from './fixtures/fake-clock.ts'
import { GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'
import { uploads } from './fixtures/uploads.ts'

/** Holds its bytes until the test says `answer`. */
const waitForAnswer: Handler = (req, res, _reservation, server) => {
  req.resume()
  server.http.once('answer', () => res.end())
}

scenario(
  'who finds the queue full is refused with 503 and told when to come back',
  { options: { budget: 10, queue: { limit: 1, timeoutMs: 20_000 } }, handler: waitForAnswer },
  async (t, server) => {
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(post('/a', '1234567890'))
    await server.reached(1)
    other.write(post('/b', '1234567890'))
    await server.queued(1)
    const seconds = new Set<number>()
    for (let n = 0; n < 20; n++) {
      const answer = await server.send('/c', '1')
      t.equal(answer.status, 503)
      t.match(JSON.parse(answer.text), {
        statusCode: 503,
        code: 'ERR_PLIMSOLL_QUEUE_FULL',
        error: 'Service Unavailable',
      })
      seconds.add(Number(answer.headers['retry-after']))
    }
    t.ok(
      [...seconds].every(s => Number.isInteger(s) && s >= 10 && s <= 20),
      [...seconds].join(),
    )
    t.ok(seconds.size > 1, 'not all at once')
    t.match(server.governor.stats(), { waiting: 1, queued: 1, refused: { ERR_PLIMSOLL_QUEUE_FULL: 20 } })
    server.http.emit('answer')
    await server.reached(2)
    server.http.emit('answer')
    t.same([...(await one.answers(1)), ...(await other.answers(1))], [200, 200])
  },
)

scenario(
  'a short queue says 1 second rather than 0',
  { options: { budget: 10, queue: { limit: 0, timeoutMs: 0 } }, handler: waitForAnswer },
  async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234567890'))
    await server.reached(1)
    t.match(await server.send('/b', '1'), { status: 503, headers: { 'retry-after': '1' } })
    server.http.emit('answer')
    await client.answers(1)
  },
)

t.test('who waits too long is refused with 503, and its handler never called', async t => {
  const clock = new FakeClock(t)
  const server = new GovernedServer({
    options: { budget: 10, queue: { timeoutMs: 5000 } },
    handler: waitForAnswer,
  })
  await server.listen()
  const [one, other] = [await server.connect(), await server.connect()]
  one.write(post('/a', '1234567890'))
  await server.reached(1)
  other.write(post('/b', '1234567890'))
  await server.queued(1)
  clock.tick(4999)
  await promisesSettled()
  t.match(server.governor.stats(), { waiting: 1 })
  clock.tick(1)
  t.same(await other.answers(1), [503])
  t.match(other.received, /ERR_PLIMSOLL_QUEUE_TIMEOUT/)
  t.match(other.received, /Retry-After: [345]\r\n/i)
  t.match(server.governor.stats(), { waiting: 0, queued: 1, refused: { ERR_PLIMSOLL_QUEUE_TIMEOUT: 1 } })
  t.same(server.handled, ['/a'])
  server.http.emit('answer')
  await one.answers(1)
  await server.idle()
  await server.governor.close()
  t.equal(clock.pending, 0, 'no timer is left')
  await server.stop()
})

scenario(
  'a refusal of a small body leaves the connection, and it serves the next request',
  { options: { maxBody: 100 } },
  async (t, server) => {
    const client = await server.connect()
    for (let n = 0; n < 10; n += 2) {
      client.write(post('/refused', '1'.repeat(200)))
      await client.answers(n + 1)
      client.write(post('/served', '1'.repeat(50)))
      await client.answers(n + 2)
    }
    t.same(client.statuses, [413, 200, 413, 200, 413, 200, 413, 200, 413, 200])
    t.notMatch(client.received, /Connection: close/i)
  },
)

scenario(
  'a refusal of a small body that is still being sent leaves the connection, too',
  { options: { maxBody: 100 } },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/refused', { 'Content-Length': 200 }))
    t.same(await client.answers(1), [413])
    client.write('1'.repeat(200) + post('/served', '12345'))
    t.same(await client.answers(2), [413, 200])
  },
)

for (const [what, start, rest] of [
  ['large', head('POST', '/a', { 'Content-Length': 70_000 }), '1'.repeat(70_000)],
  ['endless', head('POST', '/a', CHUNKED) + chunk('1'.repeat(101)), chunk('1') + LAST_CHUNK],
] as const) {
  scenario(
    `a refusal of a body that is ${what} closes the connection behind the answer`,
    { options: { maxBody: 100 } },
    async (t, server) => {
      const client = await server.connect()
      client.socket.allowHalfOpen = true
      client.write(start)
      t.same(await client.answers(1), [413])
      t.match(client.received, /Connection: close/i)
      await until(() => client.socket.readableEnded, 'the end that the server says')
      client.write(rest + post('/after', '12345'))
      client.socket.end()
      await server.connections(0)
      t.same(client.statuses, [413])
      t.notOk(server.handled.includes('/after'), 'nothing that follows is taken for a request')
    },
  )
}

scenario(
  'an upload that had to wait does not keep its connection, so that its receive buffer goes',
  { options: { budget: 200_000 }, handler: waitForAnswer },
  async (t, server) => {
    const [one, large, small] = [await server.connect(), await server.connect(), await server.connect()]
    one.write(post('/a', '1'.repeat(150_000)))
    await server.reached(1)
    large.write(post('/b', '1'.repeat(100_000)))
    await server.queued(1)
    small.write(post('/c', '1'.repeat(60_000)))
    await server.queued(2)
    server.http.emit('answer')
    await server.reached(3)
    server.http.emit('answer')
    server.http.emit('answer')
    await Promise.all([one.answers(1), large.answers(1), small.answers(1)])
    t.notMatch(one.received, /Connection: close/i, 'it did not wait')
    t.match(large.received, /Connection: close/i)
    t.notMatch(small.received, /Connection: close/i, 'a small one costs nothing to keep')
    await large.closed()
  },
)

scenario(
  'a refused uploader reads its 413, 20 times in 20',
  { options: { budget: '64MiB', maxBody: '1MiB' } },
  async (t, server) => {
    t.same(await uploads(server.port, 'length'), Array(20).fill('413 ERR_PLIMSOLL_BODY_TOO_LARGE'))
  },
)

scenario(
  'a refused uploader reads its 503, 20 times in 20',
  { options: { budget: '32MiB', queue: { limit: 0 } } },
  async (t, server) => {
    const room = server.governor.budget.charge(1)
    t.same(await uploads(server.port, 'length'), Array(20).fill('503 ERR_PLIMSOLL_QUEUE_FULL'))
    room.release()
  },
)

scenario(
  'an uploader refused amid its body, since it declared no length, reads its 413, 20 times in 20',
  { options: { budget: '64MiB', maxBody: '1MiB' } },
  async (t, server) => {
    t.same(await uploads(server.port, 'chunked'), Array(20).fill('413 ERR_PLIMSOLL_BODY_TOO_LARGE'))
  },
)

scenario(
  'a refused uploader of a kept-alive agent is served on its next connection',
  { options: { maxBody: '1MiB', budget: '64MiB' } },
  async (t, server) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const statuses: (number | undefined)[] = []
    for (const size of [2 ** 21, 5, 2 ** 21, 5]) {
      const req = request({ port: server.port, path: '/a', method: 'POST', agent })
      req.on('error', () => {})
      req.end(Buffer.alloc(size))
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      statuses.push(res.statusCode)
      res.resume()
      await once(res, 'end')
      await promisesSettled()
    }
    agent.destroy()
    t.same(statuses, [413, 200, 413, 200])
  },
)

scenario('a refusal leaves a client that is gone alone', { options: { maxBody: 100 } }, async (t, server) => {
  const client = await server.connect()
  client.write(head('POST', '/a', { 'Content-Length': 2 ** 30 }))
  client.reset()
  await until(() => client.socket.destroyed, 'its end')
  t.same(server.handled, [])
})

scenario(
  'a body that fits no more than its last chunk is still refused',
  { options: { maxBody: 10 } },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345678901') + LAST_CHUNK)
    t.same(await client.answers(1), [413])
  },
)
