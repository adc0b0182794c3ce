import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { Governor, type GovernorOptions } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { asked } from '../fairness/asks.ts'
import type { FairnessResult } from '../fairness/fairness-result.ts'
import { AttackProcesses } from '../fairness/load/attack-processes.ts'
import { attackerAddress } from '../fairness/load/attempt.ts'
import { playScenario } from '../fairness/load/play-scenario.ts'
import type { LoadReport } from '../fairness/load/protocol.ts'
import { type Attackers, type Scenario, scenarioNamed } from '../fairness/scenarios.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

t.test('half heads keep no honest client from a governed server that has few connections', async t => {
  const halfHeads = scenarioNamed('half-heads')
  const attackers = { ...(halfHeads.attackers as Attackers), sockets: 40 }
  const honest = halfHeads.honest.map(kind => ({ ...kind, requests: 5, everyMs: 20 }))
  const port = await govern(t, { budget: '64MiB', connections: 16 }, (req, res) => drain(req, res))
  const { load, missed } = await play(port, { ...halfHeads, attackers, honest })
  t.strictSame(missed, [])
  t.equal(load.attack?.connected, 40)
  // Whom there was no room for is told so, and so is he who makes room for an honest client.
  t.ok((load.attack?.byEnding['503'] ?? 0) >= 24)
  t.ok((load.attack?.byEnding['408'] ?? 0) >= 1)
})

t.test('of a crowd a governed server serves some, and the others read that they may come back', async t => {
  const scenario = smallCrowd(2)
  const { total, arrived, all } = counter(31)
  const options = { budget: '1MiB', queue: { limit: 10 } }
  const port = await govern(
    t,
    options,
    async (req, res) => {
      // All have come before the first of them is done.
      if (total() > 1) await all
      drain(req, res)
    },
    arrived,
  )
  const { load, missed } = await play(port, scenario)
  t.strictSame(missed, [])
  t.match(load.honest[0], { requests: 30, settled: 30, answered: 12, byStatus: { 201: 12, 503: 18 } })
})

t.test('a crowd that is reset, or not told when to come back, was not refused', async t => {
  for (const refuse of [
    (_req: http.IncomingMessage, res: http.ServerResponse) => res.socket?.resetAndDestroy(),
    (req: http.IncomingMessage, res: http.ServerResponse) => {
      req.resume().on('end', () => res.writeHead(503).end())
    },
  ]) {
    let requests = 0
    const server = http.createServer((req, res) => (++requests > 20 ? refuse(req, res) : drain(req, res)))
    const { missed } = await play(await listen(t, server), smallCrowd(2))
    t.strictSame(missed, ['16 MiB uploads: 11 neither served nor refused'])
  }
})

t.test('a crowd comes from many addresses', async t => {
  const addresses = new Set<string | undefined>()
  const server = http.createServer((req, res) => {
    addresses.add(req.socket.remoteAddress)
    drain(req, res)
  })
  await play(await listen(t, server), smallCrowd(30))
  addresses.delete('127.0.0.1')
  t.equal(addresses.size, 30)
})

t.test(
  'attackers in several processes are as many as asked for, and all that they met with is counted',
  async t => {
    const open = new Set<net.Socket>()
    const server = net.createServer(socket => {
      socket.on('error', () => {}).on('close', () => open.delete(socket))
      socket.once('data', () => {
        // One of them is cut, and would be back after the test.
        if (open.size === 6) socket.resetAndDestroy()
        else open.add(socket.resume())
      })
    })
    const port = await listen(t, server)
    const stop = new AbortController()
    const attackers: Attackers = { kind: 'half-head', sockets: 7, bytes: 0, backAfterMs: 60_000 }
    const attack = new AttackProcesses(port, attackers, stop.signal, 3)
    await attack.established()
    t.equal(open.size, 6)
    const gone = Promise.all([...open].map(socket => once(socket, 'close')))
    stop.abort()
    await attack.ended()
    await gone
    t.strictSame(attack.tally, { connected: 7, byEnding: { reset: 1 } })
  },
)

t.test('attackers share an address until it has too few ports for them', async t => {
  t.equal(attackerAddress(0), attackerAddress(63))
  t.equal(new Set(Array.from({ length: 20_000 }, (_, index) => attackerAddress(index))).size, 4)
})

/** Thirty uploads. Large enough for none of them to take the lane of the small. */
function smallCrowd(served: number): Scenario {
  const crowd = scenarioNamed('crowd')
  const small = { bytes: 512 * KiB, requests: 30 }
  return {
    ...crowd,
    honest: crowd.honest.map(kind => ({ ...kind, ...small, asks: { ...kind.asks, served } })),
  }
}

/** Plays it, and says what was asked and not met; memory is not looked at. */
async function play(port: number, scenario: Scenario): Promise<{ load: LoadReport; missed: string[] }> {
  const load = await playScenario(port, scenario, new AbortController().signal, () => {})
  const result: FairnessResult = {
    scenario: scenario.name,
    server: 'plimsoll',
    cage: { kind: 'cgroup v2', limitBytes: 512 * MiB },
    ending: { kind: 'alive' },
    peakBytes: 0,
    peakOf: undefined,
    load,
  }
  const missed = asked(scenario, result).filter(({ met }) => !met)
  return { load, missed: missed.map(({ text }) => text) }
}

function govern(
  t: Test,
  options: GovernorOptions,
  handler: http.RequestListener,
  arrived = () => {},
): Promise<number> {
  const governor = new Governor(options)
  const server = http.createServer(governor.listener(handler)).prependListener('request', arrived)
  governor.attach(server)
  return listen(t, server)
}

async function listen(t: Test, server: net.Server): Promise<number> {
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

function drain(req: http.IncomingMessage, res: http.ServerResponse): void {
  req.resume().on('end', () => res.writeHead(201).end())
}

function counter(goal: number) {
  let count = 0
  let reached = () => {}
  const all = new Promise<void>(resolve => {
    reached = resolve
  })
  const arrived = () => {
    if (++count === goal) reached()
  }
  return { total: () => count, arrived, all }
}
