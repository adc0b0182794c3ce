import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { head, post } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

/** What a server that goes on after uncaught exceptions does with them. */
function uncaught(t: Test): Error[] {
  const errors: Error[] = []
  const onRejection = (): void => {
    t.fail('it was thrown within a promise')
  }
  process.on('unhandledRejection', onRejection)
  t.teardown(() => process.off('unhandledRejection', onRejection))
  process.setUncaughtExceptionCaptureCallback(error => errors.push(error))
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null))
  return errors
}

const throwBefore: Handler = () => {
  throw new Error('before headers')
}

const throwAfter: Handler = (_req, res) => {
  res.writeHead(200)
  res.write('begun')
  throw new Error('after headers')
}

for (const [when, handler] of Object.entries({
  'before headers': throwBefore,
  'after headers': throwAfter,
})) {
  scenario(
    `a handler that throws ${when} is released with its connection`,
    { handler },
    async (t, server) => {
      const errors = uncaught(t)
      const client = await server.connect()
      client.write(post('/a', '12345'))
      await until(() => errors.length === 1, 'the exception')
      t.match(errors, [{ message: when }], 'as it would be thrown without us')
      t.equal(server.governor.budget.reserved, 5, 'nobody has answered yet')
      if (when === 'after headers') await client.receives('begun')
      client.leave()
      await server.idle()
    },
  )

  scenario(
    `a handler that waited and throws ${when} throws out of no promise of ours`,
    { options: { budget: 10 }, handler },
    async (t, server) => {
      const errors = uncaught(t)
      const room = server.governor.budget.charge(10)
      const client = await server.connect()
      client.write(post('/a', '12345'))
      await server.queued(1)
      room.release()
      await until(() => errors.length === 1, 'the exception')
      t.match(errors, [{ message: when }])
      client.leave()
      await server.idle()
    },
  )
}

scenario(
  'a handler that destroys its response is released',
  { handler: (_req, res) => res.destroy(new Error('on purpose')) },
  async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '12345'))
    await client.closed()
    t.same(client.statuses, [])
    await server.idle()
    t.match(server.governor.stats(), { admitted: 1, released: 1 })
  },
)

scenario(
  'a handler that destroys its request is released',
  { handler: req => req.destroy() },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', { 'Content-Length': 100 }))
    await client.closed()
    await server.idle()
    t.match(server.governor.stats(), { admitted: 1, released: 1 })
  },
)

scenario(
  'a handler that answers without reading its body is released',
  { handler: (_req, res) => res.end('enough') },
  async (t, server) => {
    const client = await server.connect()
    client.write(`${head('POST', '/a', { 'Content-Length': 10 })}12345`)
    t.same(await client.answers(1), [200])
    await server.idle()
    client.write(`67890${post('/b', '12345')}`)
    t.same(await client.answers(2), [200, 200])
  },
)

scenario(
  'a handler that takes the connection for itself is released when that ends',
  {
    handler: (req, res) => {
      res.detachSocket(req.socket)
      req.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(post('/a', '12345'))
    t.same(await client.answers(1), [101])
    t.equal(server.governor.budget.reserved, 5)
    client.leave()
    await server.idle()
  },
)

/** Sends upgrades the way of any request, as WebSocket plugins of frameworks do. */
function governUpgrades({ http }: GovernedServer): void {
  http.on('upgrade', (req, socket) => {
    const res = new ServerResponse(req)
    res.assignSocket(socket as Socket)
    http.emit('request', req, res)
  })
}

const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket' }

scenario(
  'an upgrade that is refused is answered, and its socket closed',
  { options: { cost: 10, budget: 10, queue: { limit: 0 } } },
  async (t, server) => {
    governUpgrades(server)
    const room = server.governor.budget.charge(10)
    const client = await server.connect()
    client.write(head('GET', '/a', UPGRADE))
    t.same(await client.answers(1), [503])
    await client.closed()
    t.match(client.received, /ERR_PLIMSOLL_QUEUE_FULL/)
    t.same(server.handled, [])
    room.release()
  },
)

scenario(
  'an upgrade that is admitted keeps its bytes as long as its socket lives',
  {
    options: { cost: 10 },
    handler: (req, res) => {
      res.detachSocket(req.socket)
      req.socket.resume().on('end', () => req.socket.end())
      req.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    },
  },
  async (t, server) => {
    governUpgrades(server)
    const client = await server.connect()
    client.write(head('GET', '/a', UPGRADE))
    t.same(await client.answers(1), [101])
    t.equal(server.governor.budget.reserved, 10)
    client.leave()
    await server.idle()
  },
)

t.equal(process.hasUncaughtExceptionCaptureCallback(), false)
