import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { LOOK_EVERY_MS } from '../src/looks.ts'
import { chooseBudget } from '../src/memory-limit.ts'
import { RETURNS_AFTER_MS } from '../src/worker-share.ts'
import { until } from './fixtures/until.ts'

// A guard against hanging, far beyond what all of it takes.
t.setTimeout(120_000)

const FIXTURE = fileURLToPath(new URL('./fixtures/clustered.ts', import.meta.url))

type Client = (headers?: Record<string, string>) => Promise<Share>

interface Share {
  readonly pid: number
  readonly capacity: number
  readonly configuredCapacity: number
  readonly recommended: number
}

/** A cluster of node:cluster, and what its workers say. */
class Cluster {
  readonly pids: number[] = []
  /** Who has let in what costs more than its part, in turn. */
  readonly giants: number[] = []
  readonly primary: ChildProcess
  readonly #agents: Agent[] = []
  #port = 0

  constructor(t: Test, workers: number, how = '') {
    this.primary = spawn(process.execPath, [...process.execArgv, FIXTURE, String(workers), how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface(this.primary.stdout as NodeJS.ReadableStream).on('line', line => {
      const { port, pid, giant } = JSON.parse(line) as { port: number; pid: number; giant?: number }
      if (giant !== undefined) {
        this.giants.push(giant)
        return
      }
      this.#port = port
      this.pids.push(pid)
    })
    t.teardown(async () => {
      for (const agent of this.#agents) agent.destroy()
      this.primary.kill('SIGKILL')
      if (this.primary.exitCode === null && this.primary.signalCode === null) await once(this.primary, 'exit')
    })
  }

  /** Until so many workers have been started. */
  started(workers: number): Promise<void> {
    return until(async () => this.pids.length >= workers, `${workers} workers`)
  }

  /** A client of one of them, whose requests all go to it. */
  client(): Client {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    this.#agents.push(agent)
    return (headers = {}) =>
      new Promise((resolve, reject) => {
        const to = { port: this.#port, host: '127.0.0.1', agent, method: 'POST', headers }
        const sent = request(to, async response => resolve((await json(response)) as Share))
        sent.on('error', reject).end('a body, so that it costs something')
      })
  }

  /** A client for each worker that is there. */
  async clients(workers: number): Promise<Map<number, Client>> {
    const found = new Map<number, Client>()
    await until(async () => {
      const ask = this.client()
      found.set((await ask()).pid, ask)
      return found.size === workers
    }, `a connection to each of ${workers} workers`)
    return found
  }

  async shares(workers: number): Promise<Share[]> {
    return Promise.all([...(await this.clients(workers)).values()].map(ask => ask()))
  }
}

/** What a process alone would have. A little differs from process to process, but not as much as a worker more or less. */
const WHOLE = chooseBudget().bytes

function has(t: Test, { capacity, configuredCapacity, recommended }: Share, part: number): void {
  t.ok(Math.abs((capacity * part) / WHOLE - 1) < 0.1, `${capacity} of ${WHOLE}, not 1/${part}`)
  t.equal(configuredCapacity, capacity, 'what is larger never fits')
  t.ok(recommended <= 1.1 * capacity, `${recommended} recommended to one of them`)
}

t.test('who was there first gives up what those have who come later', async t => {
  const cluster = new Cluster(t, 3, 'in-turn')
  await cluster.started(3)
  for (const share of await cluster.shares(3)) has(t, share, 3)
})

t.test('the part of a worker that was killed goes to its successor', async t => {
  const cluster = new Cluster(t, 3, 'replaced')
  await cluster.started(3)
  const [{ pid }] = (await cluster.shares(3)) as [Share]
  process.kill(pid, 'SIGKILL')
  await cluster.started(4)
  for (const share of await cluster.shares(3)) {
    t.not(share.pid, pid)
    has(t, share, 3)
  }
})

t.test('or to the others after a second; and while their primary hangs, each has what it had', async t => {
  const cluster = new Cluster(t, 3)
  await cluster.started(3)
  const clients = [...(await cluster.clients(3)).values()]
  const [first, second, third] = clients as [Client, Client, Client]
  for (const ask of clients) has(t, await ask(), 3)
  process.kill((await first()).pid, 'SIGKILL')
  await until(async () => (await third()).capacity > 0.4 * WHOLE, 'a larger part')
  has(t, await third(), 2)

  cluster.primary.kill('SIGSTOP')
  const { pid } = await second()
  process.kill(pid, 'SIGKILL')
  const state = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1] as string
  await until(() => state().startsWith('Z'), 'its end')
  const since = performance.now()
  while (performance.now() - since < 1.5 * RETURNS_AFTER_MS) has(t, await third(), 2)
})

t.test(
  'what costs more than a part has its turn in one worker after the other, and after one that was killed',
  async t => {
    const cluster = new Cluster(t, 3)
    await cluster.started(3)
    const clients = await cluster.clients(3)
    const [first, second, third] = [...clients.values()] as [Client, Client, Client]
    const { capacity } = await first()
    const giant = { 'x-cost': String(2 * capacity), 'x-for-ms': '60000' }
    const lost = first(giant)
    await until(() => cluster.giants.length === 1, 'the first one is in')
    const others = [second, third].map(ask => ask({ ...giant, 'x-for-ms': '0' }))
    // For longer than they look at it.
    await sleep(4 * LOOK_EVERY_MS)
    t.equal(cluster.giants.length, 1, 'they wait')
    const [pid] = [...clients.keys()]
    process.kill(pid as number, 'SIGKILL')
    await t.rejects(lost)
    t.equal(new Set((await Promise.all(others)).map(({ pid }) => pid)).size, 2)
  },
)
