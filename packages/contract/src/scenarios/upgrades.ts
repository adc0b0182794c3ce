import assert from 'node:assert/strict'
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type BareClient, head } from '../bare-client.ts'
import type { Kept } from '../kept.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { turns } from '../until.ts'

const UPGRADE = { Connection: 'Upgrade', Upgrade: 'own' }
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: own\r\nConnection: Upgrade\r\n\r\n'

const options = { budget: 1000, cost: ({ url }: { url: string }) => (url === '/keep' ? 600 : 0) } as const

/** Sends upgrades the way of any request, as WebSocket plugins of frameworks do. */
function governUpgrades({ running: { server } }: Trial): void {
  const onUpgrade = (req: IncomingMessage, duplex: unknown): void => {
    const socket = duplex as Socket
    // Node has taken its own listener away.
    socket.on('error', () => {})
    const res = new ServerResponse(req)
    res.assignSocket(socket)
    server.emit('request', req, res)
    server.off('upgrade', onUpgrade)
  }
  server.on('upgrade', onUpgrade)
}

/** A client that has asked for what costs 600 bytes. */
async function askToUpgrade(trial: Trial): Promise<BareClient> {
  const client = await trial.connect()
  client.write(head('GET /keep', UPGRADE))
  return client
}

/** Takes the connection over, and echoes what comes. */
function echo({ exchange }: Kept): void {
  const { socket } = exchange.req
  exchange.hijack?.()
  ;(exchange.res as ServerResponse).detachSocket(socket)
  socket.write(SWITCHING)
  socket.pipe(socket)
}

/** Connections that become something else. */
const scenarios: Omit<Scenario, 'protocols'>[] = [
  {
    name: 'an Upgrade that nobody listens for is a plain request',
    options,
    async run(trial) {
      const client = await askToUpgrade(trial)
      const kept = await trial.handled(1)
      await trial.holds(600)
      kept.reply()
      assert.deepEqual(await client.answers(1), [200])
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'an upgrade that a user handles on the socket himself is left to him',
    options,
    async run(trial) {
      const room = trial.occupy()
      trial.running.server.once('upgrade', (_req, socket) => socket.end(`${SWITCHING}hello`))
      const client = await askToUpgrade(trial)
      await client.closed()
      assert.match(client.received, /^HTTP\/1\.1 101 [\s\S]+hello$/)
      assert.equal(trial.governor.stats().waiting, 0)
      room.free()
    },
  },
  ...(['leaves', 'resets'] as const).map(
    (how): Scenario => ({
      name: `an upgrade that is admitted keeps its bytes until its client ${how}`,
      options,
      async run(trial) {
        governUpgrades(trial)
        const client = await askToUpgrade(trial)
        const kept = await trial.handled(1)
        kept.does(() => echo(kept))
        await client.reads(/\r\n\r\n$/)
        client.write('hello')
        await client.reads(/\r\n\r\nhello$/)
        await trial.holds(600)
        client.leave(how)
        await trial.until(() => kept.reservation.released, 'the release')
      },
    }),
  ),
  ...(['leaves', 'resets'] as const).map(
    (how): Scenario => ({
      name: `an upgrade whose client ${how} while it waits leaves nothing when there is room`,
      options,
      async run(trial) {
        governUpgrades(trial)
        const room = trial.occupy()
        const client = await askToUpgrade(trial)
        await trial.queued(1)
        client.leave(how)
        await turns()
        room.free()
        // Nobody reads a socket between its upgrade and its handler, so that its end may show there only.
        const gone = (): boolean => trial.governor.stats().waiting + trial.governor.stats().active === 0
        await trial.until(() => trial.kept.length === 1 || gone(), 'its end')
        for (const kept of trial.kept) kept.does(() => echo(kept))
      },
    }),
  ),
  {
    name: 'an upgrade waits for its turn, and then works',
    options,
    async run(trial) {
      governUpgrades(trial)
      const room = trial.occupy()
      const client = await askToUpgrade(trial)
      await trial.queued(1)
      room.free()
      const kept = await trial.handled(1)
      kept.does(() => echo(kept))
      client.write('hello')
      await client.reads(/\r\n\r\nhello$/)
      client.leave()
    },
  },
  {
    name: 'an upgrade that is refused reads why, and its socket is closed',
    options: { ...options, queue: { limit: 0 } },
    async run(trial) {
      governUpgrades(trial)
      const room = trial.occupy()
      const client = await askToUpgrade(trial)
      assert.deepEqual(await client.answers(1), [503])
      await client.closed()
      assert.match(client.received, /ERR_PLIMSOLL_QUEUE_FULL/)
      assert.match(client.received, /\r\nretry-after: \d+\r\n/i)
      room.free()
    },
  },
]

export const upgrades: readonly Scenario[] = scenarios.map(scenario => ({ ...scenario, protocols: HTTP1 }))
