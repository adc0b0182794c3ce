import { setImmediate as turn } from 'node:timers/promises'
import { scenario } from './fixtures/governed-server.ts'

const WAITERS = 100

scenario(
  'who waits is served in a turn of the loop, and others are heard between them',
  {
    options: { budget: 1, cost: 1, queue: { limit: WAITERS } },
    handler: (_req, res, _reservation, { handled }) => {
      if (handled.length > 1) res.end('a')
    },
  },
  async (t, server) => {
    const first = await server.connect()
    first.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
    await server.reached(1)
    const clients = await Promise.all(Array.from({ length: WAITERS }, () => server.connect()))
    for (const client of clients) client.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
    await server.queued(WAITERS)
    const servedByTurn: number[] = []
    const look = (): void => {
      servedByTurn.push(server.handled.length)
      if (server.handled.length <= WAITERS) setImmediate(look)
    }
    setImmediate(look)
    first.leave()
    await server.reached(1 + WAITERS)
    await turn()
    const most = Math.max(...servedByTurn.map((served, turn) => served - (servedByTurn[turn - 1] ?? 1)))
    t.ok(most <= 2, `${most} at most in a turn`)
    for (const client of clients) t.same(await client.answers(1), [200])
  },
)
