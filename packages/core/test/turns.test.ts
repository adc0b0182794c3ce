import { setImmediate as turn } from 'node:timers/promises'
import type { Reservation } from '../src/reservation.ts'
import { scenario } from './fixtures/governed-server.ts'
import { head } from './fixtures/raw-client.ts'

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
    first.write(head('GET', '/first'))
    await server.reached(1)
    const clients = await Promise.all(Array.from({ length: WAITERS }, () => server.connect()))
    for (const client of clients) client.write(head('GET', '/a'))
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

/** Lets in who waits for this room. Afterwards he has it, and his turn is still to come. */
async function grant(room: Reservation): Promise<void> {
  room.release()
  for (let n = 0; n < 20; n++) await Promise.resolve()
}

scenario(
  'who has his room when the server closes, but was not begun, is refused',
  { options: { budget: 1, cost: 1 }, closes: true },
  async (t, server) => {
    const room = server.governor.budget.charge(1)
    const client = await server.connect()
    client.write(head('GET', '/a'))
    await server.queued(1)
    await grant(room)
    await server.governor.close()
    t.same(await client.answers(1), [503])
    t.same(server.handled, [])
    t.match(server.governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_CLOSED: 1 } })
  },
)

scenario(
  'whose time is up when he has his room, but was not begun, is refused, and counted once',
  { options: { budget: 1, cost: 1, deadlineMs: 300 } },
  async (t, server) => {
    const room = server.governor.budget.charge(1)
    const client = await server.connect()
    client.write(head('GET', '/a'))
    const since = performance.now()
    await server.queued(1)
    await turn()
    room.release()
    // Timers come before his turn.
    while (performance.now() < since + 400);
    t.same(await client.answers(1), [504])
    t.same(server.handled, [])
    t.match(server.governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_DEADLINE: 1 } })
  },
)
