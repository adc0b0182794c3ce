import { once } from 'node:events'
import { bytesInUse } from './fixtures/garbage.ts'
import { type GovernedServer, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post, RawClient } from './fixtures/raw-client.ts'

/** 13 requests each. */
const WARM_UP = 100
const ROUNDS = 300
/** About 500 bytes a request: the heap is as noisy as that, and one request that is kept is 5 KiB or more. */
const TOLERANCE = 2 * 2 ** 20

/** One of each kind, at once, so that there is waiting and refusing; one of the connections is kept. */
async function round(server: GovernedServer, kept: RawClient): Promise<void> {
  const room = server.governor.budget.charge(1000)
  server.handled.length = 0
  kept.received = ''
  // Not by the server's own `connect`, which remembers its clients.
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(server.port)))
  const [waiting, leaving, chunked, endless, crowd] = clients
  waiting?.write(post('/waiting', '1'.repeat(600)))
  leaving?.write(head('POST', '/leaving', { 'Content-Length': 600 }))
  chunked?.write(head('POST', '/chunked', CHUNKED) + chunk('12345') + LAST_CHUNK)
  endless?.write(head('POST', '/endless', CHUNKED) + chunk('1'.repeat(1001)))
  await server.queued(4)
  for (let n = 0; n < 4; n++) crowd?.write(post('/crowd', '1'.repeat(600)))
  await crowd?.answers(4)
  leaving?.reset()
  await server.queued(3)
  room.release()
  await Promise.all([waiting?.answers(1), chunked?.answers(1), endless?.answers(1)])
  kept.write(post('/served', '1'.repeat(600)) + post('/pipelined', '1'.repeat(600)))
  kept.write(post('/refused', '1'.repeat(1001)) + head('GET', '/free'))
  await kept.answers(4)
  for (const client of clients) client.leave()
  await server.idle()
}

scenario(
  'thousands of requests, served, refused and cut, leave no memory behind',
  { options: { budget: 1000, maxBody: 1000, queue: { limit: 4 } } },
  async (t, server) => {
    const kept = await server.connect()
    for (let n = 0; n < WARM_UP; n++) await round(server, kept)
    const before = await bytesInUse()
    for (let n = 0; n < ROUNDS; n++) await round(server, kept)
    const grown = (await bytesInUse()) - before
    const { admitted, refused } = server.governor.stats()
    t.comment(
      `${admitted} admitted, ${JSON.stringify(refused)}; ${Math.round(grown / 1024)} KiB more than before`,
    )
    t.ok(grown < TOLERANCE, `${Math.round(grown / 1024)} KiB`)
    t.match(refused, {
      ERR_PLIMSOLL_QUEUE_FULL: 4 * (WARM_UP + ROUNDS),
      ERR_PLIMSOLL_BODY_TOO_LARGE: 2 * (WARM_UP + ROUNDS),
      ERR_PLIMSOLL_CLIENT_GONE: WARM_UP + ROUNDS,
    })
    t.equal(admitted, 5 * (WARM_UP + ROUNDS))
    kept.leave()
    await once(kept.socket, 'close')
  },
)
