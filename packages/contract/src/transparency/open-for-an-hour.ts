import assert from 'node:assert/strict'
import { get } from 'node:http'
import { PassThrough } from 'node:stream'
import type { RequestReservation } from '@plimsoll/core'
import FakeTimers from '@sinonjs/fake-timers'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import type { Framework, Route, Running } from '../framework.ts'
import { until } from '../until.ts'
import { acceptWebSocket, routeUpgrades } from './web-sockets.ts'

const MINUTE_MS = 60_000
/** All of the budget: so whoever comes meanwhile waits for it. */
const COST = 1000
const HEARTBEAT_MS = 15_000

/** What is to stay open, at its server. */
interface Stream {
  readonly reservation: RequestReservation
  send(message: string): void
  end(): void
}

/** And at its client. */
interface Client {
  readonly received: readonly string[]
  readonly ended: boolean
  leave(): void
}

interface Kind {
  readonly name: string
  route(framework: Framework, opened: (stream: Stream) => void): Route
  prepare?(framework: Framework, running: Running): void
  connect(port: number): Client
}

const serverSentEvents: Kind = {
  name: 'server-sent events',
  route: (_framework, opened) => ({
    method: 'GET',
    path: '/open',
    handle(exchange) {
      const events = new PassThrough()
      opened({
        reservation: exchange.reservation,
        send: message => events.write(`data: ${message}\n\n`),
        end: () => events.end(),
      })
      const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }
      return exchange.reply({ headers, body: events })
    },
  }),
  connect(port) {
    const client = { received: [] as string[], ended: false, leave: () => req.destroy() }
    const req = get({ port, host: '127.0.0.1', path: '/open', agent: false }, res => {
      res.setEncoding('utf8')
      // Each event is a write, and those of one turn come together.
      res.on('data', (text: string) => client.received.push(...text.split('\n\n').filter(Boolean)))
      res.on('close', () => {
        client.ended = true
      })
    })
    req.on('error', () => {})
    return client
  },
}

const webSocket: Kind = {
  name: 'a WebSocket',
  route(framework, opened) {
    const open = (webSocket: WebSocket, reservation: RequestReservation): void =>
      opened({
        reservation,
        send: message => webSocket.send(message),
        end: () => webSocket.close(),
      })
    return {
      method: 'GET',
      path: '/open',
      ...(framework.webSockets
        ? { webSocket: open, handle() {} }
        : { handle: exchange => acceptWebSocket(exchange, socket => open(socket, exchange.reservation)) }),
    }
  },
  prepare(framework, { server }) {
    if (!framework.webSockets) routeUpgrades(server)
  },
  connect(port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/open`)
    const client = { received: [] as string[], ended: false, leave: () => socket.terminate() }
    socket.on('message', data => client.received.push(`data: ${data}`))
    socket.on('error', () => {})
    socket.on('close', () => {
      client.ended = true
    })
    return client
  },
}

/** What is open for long holds its bytes, gets through, and is cut by nobody, also where others wait for its bytes. */
export function openForAnHour(framework: Framework): void {
  for (const kind of [serverSentEvents, webSocket]) {
    for (const by of ['server', 'client'] as const) {
      t.test(`${framework.name}: ${kind.name} stays open for an hour, until its ${by} ends it`, async t => {
        await stayOpen(t, framework, kind, by)
      })
    }
  }
}

async function stayOpen(t: Test, framework: Framework, kind: Kind, by: 'server' | 'client'): Promise<void> {
  let stream: Stream | undefined
  const running = await framework.serve({
    options: { budget: COST, cost: COST, logger: { info() {}, warn() {}, error() {} } },
    routes: [
      kind.route(framework, opened => {
        stream = opened
      }),
      { method: 'GET', path: '/other', handle: ({ reply }) => reply({ body: 'other' }) },
    ],
  })
  t.teardown(() => running.stop())
  kind.prepare?.(framework, running)
  // Node's own timers, of sockets and servers, go on.
  const clock = FakeTimers.install({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
  })
  t.teardown(() => clock.uninstall())

  const client = kind.connect(running.port)
  await until(() => stream !== undefined, 'the stream')
  const { reservation, send, end } = stream as Stream
  let sent = 0
  const heartbeat = setInterval(() => send(String(++sent)), HEARTBEAT_MS)
  for (let minute = 1; minute <= 60; minute++) {
    const other = minute % 20 === 10 ? askOther(running) : undefined
    if (other !== undefined) await until(() => running.governor.stats().waiting === 1, 'another to wait')
    // Not at once: while others wait it is looked at what the client takes, and it has to have a turn for that.
    await clock.tickAsync(MINUTE_MS)
    if (other !== undefined) assert.equal(await other, 503)
    await until(() => client.received.length === sent, `${sent} messages`)
    assert.equal(reservation.bytes, COST)
    // A refusal sets one that sums up those that follow.
    if (other === undefined) assert.equal(clock.countTimers(), 1, 'no timer but the heartbeat')
  }
  t.equal(sent, 240)
  t.same(
    client.received,
    Array.from({ length: sent }, (_, n) => `data: ${n + 1}`),
  )
  t.notOk(client.ended || reservation.released || reservation.signal.aborted)
  t.match(running.governor.stats(), { active: 1, reserved: COST, refused: { ERR_PLIMSOLL_QUEUE_TIMEOUT: 3 } })

  clearInterval(heartbeat)
  if (by === 'server') end()
  else client.leave()
  await until(() => client.ended && reservation.released, 'the end')
  t.match(running.governor.stats(), { active: 0, reserved: 0, waiting: 0 })
  t.equal(clock.countTimers(), 0)
  t.equal(await askOther(running), 200, 'its bytes are there for others')
}

/** The status that another request is answered with. */
function askOther({ port }: Running): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/other', agent: false }, res => {
      res.resume()
      resolve(res.statusCode)
    }).on('error', reject)
  })
}
