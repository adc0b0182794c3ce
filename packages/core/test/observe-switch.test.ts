import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Setup, scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head, post } from './fixtures/raw-client.ts'
import { outcomeOf } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

const BODY = 'x'.repeat(60)

function kept(options: Setup['options'] = {}): { readonly kept: KeptRequests; readonly setup: Setup } {
  const kept = new KeptRequests()
  return { kept, setup: { options: { budget: 100, ...options }, handler: kept.handler } }
}

{
  const { kept: requests, setup } = kept()
  scenario(
    'those that wait are let in when the governor only observes from now on, and wait again when it acts',
    setup,
    async (t, server) => {
      const { governor } = server
      const clients = await Promise.all([1, 2, 3, 4, 5].map(() => server.connect()))
      const [first, second, third, late, last] = clients
      first?.write(post('/a', BODY))
      await server.reached(1)
      second?.write(post('/a', BODY))
      third?.write(post('/a', BODY))
      await server.queued(2)
      governor.mode = 'observe'
      t.equal(governor.mode, 'observe')
      await server.reached(3)
      t.match(governor.stats(), { waiting: 0, reserved: 180, active: 3, refused: {} })
      for (const { reservation } of requests.all) t.equal(reservation.signal.aborted, false)
      late?.write(post('/a', BODY))
      await server.reached(4)
      t.equal(governor.stats().reserved, 240)
      governor.mode = 'enforce'
      last?.write(post('/a', BODY))
      await server.queued(1)
      for (const n of [0, 1, 2]) requests.at(n).res.end()
      for (const client of [first, second, third]) await client?.answers(1)
      await until(() => governor.stats().reserved === 60, 'three that are over')
      t.equal(governor.stats().waiting, 1, 'the debt is not gone')
      requests.at(3).res.end()
      await server.reached(5)
      requests.at(4).res.end()
      for (const client of clients) t.same(await client.answers(1), [200])
      t.same(governor.stats().refused, {})
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario('who waits in a requeue is let in', setup, async (t, server) => {
    const clients = [await server.connect(), await server.connect()]
    clients[0]?.write(post('/a', BODY))
    clients[1]?.write(post('/a', '1'))
    await server.reached(2)
    const { reservation } = requests.all.find(({ reservation }) => reservation.bytes === 1) as {
      reservation: (typeof requests.all)[0]['reservation']
    }
    const requeued = outcomeOf(reservation.requeue(70))
    await server.queued(1)
    server.governor.mode = 'observe'
    await until(() => requeued() !== undefined, 'the end of the requeue')
    t.equal(requeued()?.error, undefined)
    t.match(reservation, { bytes: 70, released: false })
    t.equal(reservation.signal.aborted, false)
    t.equal(server.governor.budget.reserved, 130)
    for (const { res } of requests.all) res.end()
    for (const client of clients) t.same(await client.answers(1), [200])
  })
}

{
  const { kept: requests, setup } = kept()
  scenario('who waits for its turn behind another on its connection is let in', setup, async (t, server) => {
    const client = await server.connect()
    client.write(head('GET', '/a') + post('/b', BODY) + post('/c', BODY))
    await server.reached(1)
    await server.queued(2)
    server.governor.mode = 'observe'
    await server.reached(3)
    t.match(server.governor.stats(), { waiting: 0, refused: {} })
    for (const [n, { res }] of requests.all.entries()) res.end(`answer ${n}`)
    t.same(await client.answers(3), [200, 200, 200])
  })
}

{
  const { kept: requests, setup } = kept({ share: { key: 'address', of: 0.5 } })
  scenario('who waits for its client’s share is let in', setup, async (t, server) => {
    const clients = [await server.connect(), await server.connect()]
    clients[0]?.write(post('/a', 'x'.repeat(40)))
    await server.reached(1)
    clients[1]?.write(post('/a', 'x'.repeat(40)))
    // The budget has room for it.
    await server.queued(1)
    server.governor.mode = 'observe'
    await server.reached(2)
    t.equal(requests.at(1).reservation.signal.aborted, false)
    t.match(server.governor.stats(), { reserved: 80, waiting: 0 })
    for (const { res } of requests.all) res.end()
    for (const client of clients) t.same(await client.answers(1), [200])
    await server.idle()
    t.equal(server.governor.stats().keys, 0)
  })
}

{
  const { kept: requests, setup } = kept()
  scenario(
    'a client that goes in the moment of the switch leaves nothing behind',
    setup,
    async (t, server) => {
      const [staying, leaving] = [await server.connect(), await server.connect()]
      server.http.prependListener('request', (req: IncomingMessage, res: ServerResponse) => {
        // Before the governor hears of it.
        if (req.url === '/leaving')
          req.socket.on('close', () => {
            server.governor.mode = 'observe'
            res.emit('close')
          })
      })
      staying.write(post('/a', BODY))
      await server.reached(1)
      leaving.write(post('/leaving', BODY))
      await server.queued(1)
      leaving.reset()
      await server.queued(0)
      t.equal(server.governor.mode, 'observe')
      t.equal(server.governor.budget.reserved, 60)
      t.same(server.handled, ['/a'])
      requests.at(0).res.end()
      t.same(await staying.answers(1), [200])
    },
  )
}

{
  const { kept: requests, setup } = kept({ share: { key: 'address', of: 0.5 } })
  scenario(
    'who waits in a requeue for its client’s share is let in, whether or not it has cost anything so far',
    setup,
    async (t, server) => {
      const clients = [await server.connect(), await server.connect()]
      clients[0]?.write(post('/a', 'x'.repeat(10)))
      await server.reached(1)
      clients[1]?.write(head('GET', '/a'))
      await server.reached(2)
      await requests.at(0).reservation.requeue(40)
      const requeued = outcomeOf(requests.at(1).reservation.requeue(40))
      await server.queued(1)
      server.governor.mode = 'observe'
      await until(() => requeued() !== undefined, 'the end of the requeue')
      t.equal(requeued()?.error, undefined)
      t.equal(server.governor.budget.reserved, 80)
      for (const { res } of requests.all) res.end()
      for (const client of clients) t.same(await client.answers(1), [200])
    },
  )
}

{
  const { kept: requests, setup } = kept()
  scenario('how long a request of a known route has waited is in the report', setup, async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', BODY))
    await server.reached(1)
    requests.at(0).res.end()
    await server.idle()
    const clients = [await server.connect(), await server.connect()]
    for (const client of clients) client.write(post('/a', BODY))
    await server.queued(1)
    await server.reached(2)
    requests.at(1).res.end()
    await server.reached(3)
    requests.at(2).res.end()
    await server.idle()
    const [row] = server.governor.report().routes
    t.match(row, { route: 'POST /a', requests: 3, queued: 1, refused: {} })
    t.ok((row?.waitedMs.max ?? 0) > 0)
  })
}
