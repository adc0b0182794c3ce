import t from 'tap'
import type { GovernedRequest } from '../src/governed-request.ts'
import { noReservation } from '../src/no-reservation.ts'
import { anyValue } from './fixtures/any-value.ts'
import { scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head, post } from './fixtures/raw-client.ts'

function prepared(options = {}) {
  const kept = new KeptRequests()
  return { kept, setup: { options: { budget: 10, ...options }, handler: kept.handler } }
}

{
  const { kept, setup } = prepared()
  scenario('a piece is had if it is free now, and released on its own', setup, async (t, server) => {
    const { budget } = server.governor
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    const piece = reservation.tryReserve('3B')
    t.match(piece, { bytes: 3, released: false })
    t.equal(reservation.bytes, 7)
    t.equal(budget.reserved, 7)
    t.equal(reservation.tryReserve(4), undefined)
    t.equal(budget.reserved, 7, 'what was not had leaves nothing')
    reservation.shrink(1)
    t.equal(budget.reserved, 4, 'it is not what the handler gives back')
    t.equal(piece?.tryGrow(7), false)
    t.equal(piece?.tryGrow(6), true)
    t.equal(budget.reserved, 10)
    piece?.shrink(2)
    t.equal(budget.reserved, 3)
    piece?.release()
    piece?.release()
    t.match(piece, { bytes: 0, released: true })
    t.equal(piece?.tryGrow(1), false)
    t.equal(budget.reserved, 1)
    // What `using` calls at the end of a block.
    const other = reservation.tryReserve(0)
    t.equal(other?.tryGrow(5), true)
    t.equal(budget.reserved, 6)
    other?.[Symbol.dispose]()
    t.equal(budget.reserved, 1)
    t.equal((reservation as GovernedRequest).work?.pieces.size, 0, 'none is kept')
    for (const bad of [Number.NaN, -1, '5']) {
      t.throws(() => reservation.tryReserve(anyValue(bad)), { message: /^bytes must be/ })
    }
    const left = reservation.tryReserve(2)
    res.end()
    await server.idle()
    t.match(left, { bytes: 0, released: true }, 'at the latest with the request')
    t.equal(reservation.tryReserve(0), undefined)
    t.match(server.governor.report().routes, [{ reservedBytes: { max: 13 } }], 'what pieces have had counts')
  })
}

{
  const { kept, setup } = prepared({ share: { key: 'address', of: 0.5 } })
  scenario('pieces count to the share of their client', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '123'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    t.equal(reservation.tryReserve(3), undefined)
    const piece = reservation.tryReserve(2)
    t.equal(piece?.bytes, 2)
    t.equal(reservation.tryReserve(1), undefined)
    piece?.release()
    t.equal(reservation.tryReserve(2)?.bytes, 2)
    res.end()
    await server.idle()
    t.equal(server.governor.stats().keys, 0)
  })
}

{
  const { kept, setup } = prepared()
  scenario('nobody waits while a piece of his is held', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234'))
    await server.reached(1)
    const { reservation, res } = kept.at(0)
    const piece = reservation.tryReserve(6)
    const requeued = reservation.requeue(10)
    t.equal(piece?.released, true)
    await requeued
    t.equal(server.governor.budget.reserved, 10)
    res.end()
    await client.answers(1)
  })
}

{
  const { kept, setup } = prepared()
  scenario('what stands behind one that waits has no piece', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '1234') + head('GET', '/b'))
    await server.reached(2)
    const room = server.governor.budget.charge(6)
    const requeued = kept.at(0).reservation.requeue(8)
    t.equal(kept.at(0).reservation.tryReserve(0), undefined, 'nor has the one that waits')
    t.equal(kept.at(1).reservation.tryReserve(1), undefined)
    room.release()
    await requeued
    t.equal(kept.at(1).reservation.tryReserve(1)?.bytes, 1)
    for (const { res } of kept.all) res.end()
    await client.answers(2)
  })
}

{
  const { kept, setup } = prepared({ mode: 'observe' })
  scenario(
    'what is observed has every piece, and its twin those there is room for',
    setup,
    async (t, server) => {
      const { budget } = server.governor
      const client = await server.connect()
      client.write(post('/a', '1234'))
      await server.reached(1)
      const { reservation, res } = kept.at(0)
      const piece = reservation.tryReserve(20)
      t.equal(piece?.bytes, 20)
      t.equal(budget.reserved, 24)
      piece?.shrink(5)
      t.equal(piece?.tryGrow(3), true)
      t.equal(budget.reserved, 12)
      piece?.release()
      t.equal(budget.reserved, 4)
      t.equal(reservation.tryReserve(1)?.bytes, 1)
      res.end()
      await client.answers(1)
    },
  )
}

t.test('who was never admitted has no piece, and no deadline', async t => {
  t.equal(noReservation.tryReserve(1), undefined)
  noReservation.setDeadline(5)
  t.equal(noReservation.remainingMs, Number.POSITIVE_INFINITY)
})
