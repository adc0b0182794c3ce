import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { GovernorStats } from '../src/governor-stats.ts'
import type { MemoryReading } from '../src/memory-use.ts'
import { type Cage, makeCage } from './fixtures/cage.ts'
import { until } from './fixtures/until.ts'

// A guard against hanging, far beyond what all of it takes.
t.setTimeout(120_000)

const MIB = 2 ** 20
// So much that the process itself, with the instruments of its tests, is a small part of it.
const LIMIT = 512 * MIB
const made = makeCage(LIMIT)

t.test(
  'a server whose memory is held by something else waits and refuses with 503, and serves again when it has it back',
  { skip: 'reason' in made ? made.reason : false },
  async t => {
    const cage = made as Cage
    t.teardown(() => cage.remove())
    const child = cage.spawn('./valved-server.ts')
    t.teardown(async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    const [port] = await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')
    const url = `http://127.0.0.1:${port}`
    const send = (mebibytes: number, path = '/'): Promise<Response> =>
      fetch(`${url}${path}`, { method: 'POST', body: new Uint8Array(mebibytes * MIB) })
    const ask = async (path: string): Promise<GovernorStats & MemoryReading> =>
      (await (await fetch(`${url}${path}`)).json()) as GovernorStats & MemoryReading

    t.equal((await send(2)).status, 200, 'before')
    const held = send(5, '/held')
    await until(async () => (await ask('/stats')).active >= 2, 'a request that holds bytes')
    t.match(await ask('/stats'), { ceiling: 32 * MIB, capacity: 32 * MIB, limitBytes: LIMIT })

    const filled = await ask('/fill')
    t.ok(filled.usedBytes > 0.75 * LIMIT, `${filled.usedBytes / MIB} MiB in use`)
    t.match(filled, { ceiling: 4 * MIB, capacity: 32 * MIB }, 'shut')
    for (const refused of await Promise.all([send(2), send(30)])) {
      t.equal(refused.status, 503)
      t.match(refused.headers.get('retry-after'), /^\d+$/)
      t.match(await refused.json(), { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT' })
    }
    t.equal((await send(40)).status, 413, 'only what never fits is told so')
    t.equal((await send(1 / 64)).status, 200, 'small ones are served')

    const waiting = send(3)
    await until(async () => (await ask('/stats')).waiting === 1, 'one that waits')
    await ask('/drop')
    await until(async () => (await ask('/stats')).ceiling === 32 * MIB, 'an open valve')
    t.equal((await waiting).status, 200, 'it only waited')
    t.equal((await send(20)).status, 200, 'all are served again')

    await ask('/fill')
    t.match(await ask('/answer'), { ceiling: 32 * MIB, reserved: 0 }, 'nobody is there')
    t.equal((await held).status, 200)
    t.equal((await send(10)).status, 200, 'who is alone is served, however high memory is')
  },
)
