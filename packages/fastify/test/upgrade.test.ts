import { once } from 'node:events'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import WebSocket from 'ws'
import { head, RawClient } from './fixtures/client.ts'
import { type GovernedApp, governedApp, idle, KiB, type Setup } from './fixtures/governed-app.ts'
import { soon, turns, until } from './fixtures/until.ts'

const COST = 64 * KiB

const options = { budget: '1MiB', queue: { limit: 1 } } as const
const config = { plimsoll: { cost: COST } }

async function echoes(app: FastifyInstance): Promise<void> {
  app.get('/echo', { websocket: true, config }, (socket, request) => {
    socket.on('message', message => {
      if (String(message) === 'leave') socket.close()
      else if (String(message) === 'crash') socket.terminate()
      else socket.send(`${message} ${request.plimsoll.bytes}`)
    })
  })
  app.get('/plain', { config }, async () => 'hello')
}

const ORDERS: [order: string, setup: Setup][] = [
  [
    'before it',
    {
      options,
      before: app => app.register(websocket),
      routes: echoes,
    },
  ],
  [
    'after it',
    {
      options,
      routes: async app => {
        await app.register(websocket)
        await echoes(app)
      },
    },
  ],
]

async function connect(server: GovernedApp): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/echo`)
  await soon(once(socket, 'open'), 'the WebSocket to open')
  return socket
}

async function say(socket: WebSocket, message: string): Promise<string> {
  socket.send(message)
  const [answer] = await soon(once(socket, 'message'), `an answer to ${message}`)
  return String(answer)
}

for (const [order, setup] of ORDERS) {
  t.test(`with @fastify/websocket registered ${order}`, async t => {
    for (const [by, close] of [
      ['its client', (socket: WebSocket) => socket.close()],
      ['its server', (socket: WebSocket) => socket.send('leave')],
      ['a client that vanishes', (socket: WebSocket) => socket.terminate()],
      ['a server that crashes', (socket: WebSocket) => socket.send('crash')],
    ] as const) {
      await t.test(`a WebSocket holds its reservation until it is closed by ${by}`, async t => {
        const server = await governedApp(t, setup)
        const socket = await connect(server)
        t.equal(await say(socket, 'one'), `one ${COST}`)
        await turns()
        t.equal(await say(socket, 'two'), `two ${COST}`)
        t.match(server.governor.stats(), { active: 1, reserved: COST })
        close(socket)
        await soon(once(socket, 'close'), 'the WebSocket to close')
        await server.leavesNothing(t)
      })
    }

    await t.test('a WebSocket waits for its turn, and then works', async t => {
      const server = await governedApp(t, setup)
      const taken = server.governor.budget.tryAcquire('1MiB')
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/echo`)
      await until(() => server.governor.stats().waiting === 1, 'it to wait')
      taken?.release()
      await soon(once(socket, 'open'), 'the WebSocket to open')
      t.equal(await say(socket, 'one'), `one ${COST}`)
      socket.close()
      await server.leavesNothing(t)
    })

    await t.test('a WebSocket that leaves the queue leaves nothing', async t => {
      const server = await governedApp(t, setup)
      const taken = server.governor.budget.tryAcquire('1MiB')
      const client = await RawClient.to(server.port)
      client.write(head('GET /echo', UPGRADE))
      await until(() => server.governor.stats().waiting === 1, 'it to wait')
      client.destroy()
      await client.closed
      // Nobody reads a socket between its upgrade and its handler, so that no event tells.
      taken?.release()
      await server.leavesNothing(t)
    })

    await t.test('a refused WebSocket reads its status', async t => {
      const server = await governedApp(t, setup)
      const taken = server.governor.budget.tryAcquire('1MiB')
      const waiting = new WebSocket(`ws://127.0.0.1:${server.port}/echo`)
      await until(() => server.governor.stats().waiting === 1, 'the queue to be full')
      const refused = new WebSocket(`ws://127.0.0.1:${server.port}/echo`)
      const [error] = await soon(once(refused, 'error'), 'a refusal')
      t.match(error, { message: /503/ })
      taken?.release()
      await soon(once(waiting, 'open'), 'the WebSocket to open')
      waiting.close()
      await server.leavesNothing(t)
      await until(() => server.connections.size === 0, 'the refused connection to be closed')
    })

    await t.test('an upgrade of a route that has no WebSocket releases', async t => {
      const server = await governedApp(t, setup)
      for (const path of ['/plain', '/nowhere']) {
        const client = await RawClient.to(server.port)
        client.write(head(`GET ${path}`, UPGRADE))
        await client.reads(/^HTTP\/1\.1 /)
        client.destroy()
        await server.leavesNothing(t)
      }
    })

    await t.test('closing the server closes its WebSockets, and releases them', async t => {
      const server = await governedApp(t, setup)
      const socket = await connect(server)
      const closed = server.app.close()
      await soon(once(socket, 'close'), 'the WebSocket to close')
      await soon(closed, 'the server to close')
      await idle(server.governor)
    })
  })
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': 13,
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

t.test('an Upgrade that nobody listens for is a plain request', async t => {
  const server = await governedApp(t, {
    options,
    routes: app => app.get('/', { config }, async request => ({ bytes: request.plimsoll.bytes })),
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /', UPGRADE))
  await client.reads(/"bytes":65536/)
  t.strictSame(client.answers, [200])
  await server.leavesNothing(t)
  client.destroy()
  await server.leavesNothing(t)
})

t.test('an upgrade that a user handles on the socket himself is left to him', async t => {
  const server = await governedApp(t, {
    options,
    routes: app => {
      app.server.on('upgrade', (_request, socket) => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: own\r\nconnection: upgrade\r\n\r\nhello')
      })
      app.get('/', { config }, async () => 'never')
    },
  })
  const client = await RawClient.to(server.port)
  client.write(head('GET /', { connection: 'Upgrade', upgrade: 'own' }))
  await soon(client.closed, 'its end')
  t.match(client.received, /^HTTP\/1\.1 101 [\s\S]+hello$/)
  t.equal(server.governor.stats().admitted, 0)
  await server.leavesNothing(t)
})
