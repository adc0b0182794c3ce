import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { RequestReservation } from '../src/governed-request.ts'
import { type GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, post, type RawClient } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

const WAYS = {
  leaves: (client: RawClient) => client.leave(),
  ends: (client: RawClient) => client.socket.end(),
  resets: (client: RawClient) => client.reset(),
}

/** Occupies the whole budget until `free` is called. */
function occupy(server: GovernedServer): { free(): void } {
  const reservation = server.governor.budget.charge(server.governor.budget.capacity)
  return { free: () => reservation.release() }
}

const gone = { refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 }, admitted: 0, queued: 1 }

for (const [how, go] of Object.entries(WAYS)) {
  scenario(
    `a client without a body that ${how} while queued is counted, and its handler never called`,
    { options: { cost: 10 } },
    async (t, server) => {
      const room = occupy(server)
      const client = await server.connect()
      client.write(head('GET', '/gone'))
      await server.queued(1)
      go(client)
      await server.queued(0)
      t.match(server.governor.stats(), gone)
      room.free()
      await server.send('/next')
      t.same(server.handled, [])
    },
  )

  scenario(
    `a client with a small body that ${how} while queued is counted, and its handler never called`,
    {},
    async (t, server) => {
      const room = occupy(server)
      const client = await server.connect()
      client.write(`${head('POST', '/gone', { 'Content-Length': 1000 })}12345`)
      await server.queued(1)
      go(client)
      await server.queued(0)
      t.match(server.governor.stats(), gone)
      room.free()
      await server.send('/next')
      t.same(server.handled, [])
    },
  )

  scenario(`a client that ${how} while its body is read frees its bytes`, {}, async (t, server) => {
    const client = await server.connect()
    client.write(`${head('POST', '/a', { 'Content-Length': 500_000 })}${'1'.repeat(100_000)}`)
    await until(() => server.governor.budget.paidIn === 100_000, 'a part of it')
    go(client)
    await server.idle()
    t.match(server.governor.stats(), { admitted: 1, released: 1, refused: {} })
  })

  scenario(`a client that ${how} amid a body without a length frees its bytes`, {}, async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
    await until(() => server.governor.budget.paidIn === 5, 'a part of it')
    t.equal(server.governor.budget.reserved, 2 ** 20)
    go(client)
    await server.idle()
    t.match(server.governor.stats(), { admitted: 1, released: 1, refused: {} })
  })

  if (how === 'ends') continue // Who only ends still reads the answer.

  const reservations: RequestReservation[] = []
  const keep: Handler = (req, _res, reservation) => {
    reservations.push(reservation)
    req.resume()
  }

  scenario(
    `a handler that never answers is released when its client ${how}`,
    { handler: keep },
    async (t, server) => {
      const client = await server.connect()
      client.write(post('/a', '12345'))
      await server.reached(1)
      const reservation = reservations.pop() as RequestReservation
      t.equal(server.governor.budget.reserved, 5)
      t.equal(reservation.signal.aborted, false)
      go(client)
      await once(reservation.signal, 'abort')
      t.match(reservation.signal.reason, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
      await server.idle()
      t.match(reservation, { bytes: 0, released: true })
    },
  )

  scenario(
    `a client that ${how} amid a streamed answer frees its bytes`,
    {
      options: { cost: 1000 },
      handler: (req, res, reservation, server) => {
        keep(req, res, reservation, server)
        const more = (): void => {
          while (res.write(Buffer.alloc(64 * 1024)));
        }
        res.on('drain', more)
        more()
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('GET', '/a'))
      await client.answers(1)
      client.socket.pause()
      const reservation = reservations.pop() as RequestReservation
      const { signal } = reservation
      t.ok(server.governor.budget.reserved >= 1000, 'what is buffered counts, too')
      go(client)
      await until(() => signal.aborted, 'the abort')
      await server.idle()
      t.match(signal.reason, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
      t.equal(reservation.released, true)
    },
  )

  scenario(
    `a client that ${how} amid an answer that was written in one piece frees its bytes`,
    {
      options: { cost: 1000 },
      handler: (req, res, reservation, server) => {
        keep(req, res, reservation, server)
        res.end(Buffer.alloc(2 ** 26))
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('GET', '/a'))
      await client.answers(1)
      client.socket.pause()
      const reservation = reservations.pop() as RequestReservation
      const { signal } = reservation
      t.ok(server.governor.budget.reserved >= 1000, 'the handler has returned, and the answer is not out')
      go(client)
      await until(() => signal.aborted, 'the abort')
      await server.idle()
    },
  )
}

scenario(
  'a reservation lasts to the last byte of the answer',
  {
    options: { budget: '32MiB', cost: 1000 },
    handler: (_req, res) => res.end(Buffer.alloc(2 ** 24)),
  },
  async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    client.write(head('GET', '/a'))
    await server.reached(1)
    await server.send('/next')
    t.ok(server.governor.budget.reserved >= 1000, 'the client reads nothing yet')
    client.socket.resume()
    await server.idle()
    await until(() => client.received.length > 2 ** 24, 'the whole answer')
    t.same(client.statuses, [200])
  },
)

scenario(
  'the signal of a request that ends well does not abort',
  {
    handler: (req, res, reservation, server) => {
      const { signal } = reservation
      req.resume().on('end', () => res.end('done'))
      server.http.once('check', seen => seen(signal, reservation))
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '12345'))
    await client.answers(1)
    await server.idle()
    const check = new Promise<[AbortSignal, RequestReservation]>(resolve => {
      server.http.emit('check', (...seen: [AbortSignal, RequestReservation]) => resolve(seen))
    })
    const [signal, reservation] = await check
    client.leave()
    await server.send('/next')
    t.equal(signal.aborted, false)
    t.match(reservation, { released: true, bytes: 0 })
  },
)

for (const [what, request, go] of [
  ['over a connection that closes', head('GET', '/a', { Connection: 'close' }), undefined],
  ['over HTTP/1.0', 'GET /a HTTP/1.0\r\n\r\n', undefined],
  ['after its client has said its last word', head('GET', '/a'), (client: RawClient) => client.socket.end()],
] as const) {
  const signals: AbortSignal[] = []
  scenario(
    `a request that ends well ${what} does not abort its signal`,
    {
      options: { cost: 5 },
      handler: (_req, res, { signal }) => {
        signals.push(signal)
        res.end('1'.repeat(10_000))
      },
    },
    async (t, server) => {
      const client = await server.connect()
      client.write(request)
      go?.(client)
      await client.closed()
      await server.idle()
      t.equal(client.received.match(/1{10000}$/)?.length, 1, 'the whole answer')
      t.same(
        signals.map(({ aborted }) => aborted),
        [false],
      )
    },
  )
}

const late: { res: ServerResponse; reservation: RequestReservation }[] = []
scenario(
  'a signal asked for when the client is gone has aborted already',
  {
    handler: (_req, res, reservation) => {
      late.push({ res, reservation })
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('GET', '/a'))
    await server.reached(1)
    client.leave()
    await server.idle()
    const { signal } = (late.pop() as (typeof late)[0]).reservation
    t.equal(signal.aborted, true)
    t.match(signal.reason, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  },
)

scenario(
  'those who wait behind a client that is gone are granted its place',
  { options: { budget: 10 } },
  async (t, server) => {
    const room = server.governor.budget.charge(4)
    const [large, small] = [await server.connect(), await server.connect()]
    large.write(post('/large', '1234567890'))
    await server.queued(1)
    small.write(post('/small', '1'))
    await server.queued(2)
    large.leave()
    t.same(await small.answers(1), [200])
    t.same(server.handled, ['/small'])
    room.release()
  },
)

scenario('who is gone before its admission is counted, and gets no handler', {}, async (t, server) => {
  const listener = server.http.listeners('request')[0] as (...args: unknown[]) => void
  server.http.removeAllListeners('request')
  // A hook of somebody else's that takes its time before the governor is asked.
  server.http.on('request', (req, res) => {
    if (req.url === '/gone') req.socket.once('close', () => listener(req, res))
    else listener(req, res)
  })
  const client = await server.connect()
  client.write(head('GET', '/gone'))
  await until(() => server.http.listenerCount('request') > 0, 'the request')
  client.leave()
  await until(() => server.governor.stats().refused.ERR_PLIMSOLL_CLIENT_GONE === 1, 'its refusal')
  t.same(server.handled, [])
  t.match(server.governor.stats(), { admitted: 0, active: 0 })
})

scenario(
  'of many connections that are cut at once, none that waits comes to its handler',
  { options: { budget: 10 }, handler: req => req.resume() },
  async (t, server) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()))
    for (const client of clients) client.write(post('/a', '1234567890'))
    await server.queued(19)
    server.http.closeAllConnections()
    await server.idle()
    t.same(server.handled, ['/a'])
    t.match(server.governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_CLIENT_GONE: 19 } })
  },
)
