import { Governor } from '@plimsoll/core'
import t from 'tap'
import { head, RawClient, send } from './fixtures/client.ts'
import { governedApp, idle, KiB, MiB } from './fixtures/governed-app.ts'
import { logTimersLeft } from './fixtures/timers.ts'
import { gate, soon, turns, until } from './fixtures/until.ts'

t.test('closing an idle server is done at once, and leaves no timer', async t => {
  const server = await governedApp(t, { options: { budget: '1KiB' } })
  t.equal((await send(server.port, '/next', { body: Buffer.alloc(2 * KiB) })).status, 413)
  t.equal(logTimersLeft(), 1, 'the log sums up what it held back')
  await soon(server.app.close(), 'the server to close')
  await idle(server.governor)
  await turns()
  t.equal(logTimersLeft(), 0, 'and has done so then')
})

t.test('closing answers those that wait with 503, and lets the admitted finish', async t => {
  const proceed = gate()
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '1MiB' },
    routes: app =>
      app.get('/', async () => {
        await proceed.promise
        return 'finished'
      }),
  })
  const admitted = send(server.port, '/')
  await until(() => server.governor.budget.reserved === MiB, 'the admitted')
  const waiting = Array.from({ length: 3 }, () => send(server.port, '/'))
  await until(() => server.governor.stats().waiting === 3, 'the others to wait')
  const closed = server.app.close()
  for (const refused of await Promise.all(waiting)) {
    t.match(refused.json(), { statusCode: 503, code: 'ERR_PLIMSOLL_CLOSED' })
    t.equal(refused.headers.connection, 'close')
    t.ok(refused.headers['retry-after'])
  }
  t.equal(server.governor.budget.reserved, MiB, 'while the first is at it still')
  proceed.open()
  t.equal((await admitted).body.toString(), 'finished')
  await soon(closed, 'the server to close')
  await idle(server.governor)
})

t.test('what closing refuses is logged when the server has closed, and not ten seconds later', async t => {
  const lines: { msg: string }[] = []
  const before = logTimersLeft()
  const server = await governedApp(t, {
    server: { logger: { level: 'warn', stream: { write: (line: string) => lines.push(JSON.parse(line)) } } },
  })
  const taken = server.governor.budget.tryAcquire('1MiB')
  const waiting = Array.from({ length: 3 }, () => send(server.port, '/next', { body: 'x' }))
  await until(() => server.governor.stats().waiting === 3, 'all to wait')
  await soon(server.app.close(), 'the server to close')
  for (const refused of await Promise.all(waiting)) t.equal(refused.status, 503)
  taken?.release()
  await idle(server.governor)
  await turns()
  t.equal(logTimersLeft() - before, 0)
  t.match(
    lines.map(({ msg }) => msg).filter(msg => msg.startsWith('plimsoll')),
    ['plimsoll refused a request', 'plimsoll refused 2 more requests'],
  )
})

t.test('closing waits for an upload under way', async t => {
  const server = await governedApp(t)
  const client = await RawClient.to(server.port)
  // Fastify would leave a kept-alive connection open after its close, with the plugin and without.
  const headers = { connection: 'close', 'content-type': 'text/plain', 'content-length': 10 }
  client.write(`${head('POST /next', headers)}hello`)
  await until(() => server.governor.stats().paidIn === 5, 'half of it')
  const closed = server.app.close()
  await until(() => !server.app.server.listening, 'the server to stop listening')
  client.write('world')
  await client.reads(/helloworld$/)
  await soon(closed, 'the server to close')
  await idle(server.governor)
})

t.test('a governor that was given stays open when one of its servers closes', async t => {
  const governor = new Governor({ budget: '1MiB' })
  const proceed = gate()
  const leaving = await governedApp(t, {
    options: { governor, cost: '1MiB' },
    routes: app =>
      app.get('/', async () => {
        await proceed.promise
        return 'finished'
      }),
  })
  const staying = await governedApp(t, { options: { governor } })
  const admitted = send(leaving.port, '/')
  await until(() => governor.budget.reserved === MiB, 'the admitted')
  const text = { body: 'x', headers: { 'content-type': 'text/plain' } }
  const waiting = send(staying.port, '/next', text)
  await until(() => governor.stats().waiting === 1, 'the other server\u2019s to wait')
  const closed = leaving.app.close()
  await until(() => !leaving.app.server.listening, 'the first server to stop listening')
  t.equal(governor.stats().waiting, 1)
  proceed.open()
  t.equal((await admitted).status, 200)
  t.equal((await waiting).status, 200)
  await soon(closed, 'the first server to close')
  await staying.leavesNothing(t)
})

t.test('a server that closes lets those wait that share its governor, its own too', async t => {
  const governor = new Governor({ budget: '1MiB' })
  const server = await governedApp(t, { options: { governor } })
  const taken = governor.budget.tryAcquire('1MiB')
  const waiting = send(server.port, '/next', { body: 'x', headers: { 'content-type': 'text/plain' } })
  await until(() => governor.stats().waiting === 1, 'it to wait')
  const closed = server.app.close()
  await until(() => !server.app.server.listening, 'the server to stop listening')
  taken?.release()
  t.equal((await waiting).status, 200)
  await soon(closed, 'the server to close')
  await idle(governor)
})

t.test('hooks of a user run when the server closes, and find the governor', async t => {
  const ran: string[] = []
  const server = await governedApp(t, {
    routes: app => {
      app.addHook('preClose', async () => void ran.push(`preClose ${app.plimsoll.stats().active}`))
      app.addHook('onClose', async instance => void ran.push(`onClose ${instance.plimsoll.stats().active}`))
    },
  })
  await server.leavesNothing(t)
  await server.app.close()
  t.strictSame(ran, ['preClose 0', 'onClose 0'])
})
