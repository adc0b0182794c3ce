import { writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { Departures, LOOK_EVERY_MS, SENT_FREE } from '../src/departures.ts'
import { KernelQueues } from '../src/kernel-queues.ts'
import type { BudgetReservation } from '../src/reservation.ts'
import { GRACE_MS } from '../src/watched.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { scenario } from './fixtures/governed-server.ts'
import { promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

const MIB = 2 ** 20
const setup = {
  options: { budget: 4 * MIB, cost: 2 * MIB },
  // The send buffer of the loopback takes it at once.
  handler: (_req: unknown, res: ServerResponse) => void res.end(Buffer.alloc(MIB)),
} as const
const request = 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'

scenario(
  'what the kernel still has of a response is held until its client has it',
  setup,
  async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    client.write(request)
    await server.reached(1)
    await until(() => server.governor.stats().active === 0, 'the end of the response, for Node')
    const { reserved } = server.governor.stats()
    t.ok(reserved > MIB / 2 && reserved <= MIB + 1024, `what was sent, and no more: ${reserved}`)
    client.socket.resume()
    await server.idle()
  },
)

scenario('who leaves it there is waited for no longer', setup, async (_t, server) => {
  const client = await server.connect()
  client.socket.pause()
  client.write(request)
  await until(() => server.governor.stats().released === 1, 'the end of the response, for Node')
  client.socket.resetAndDestroy()
  await server.idle()
})

scenario('also of a connection that ends with the response', setup, async (t, server) => {
  const client = await server.connect()
  client.socket.pause()
  client.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  await server.connections(0)
  t.ok(server.governor.stats().reserved > MIB / 2)
  client.socket.resume()
  await server.idle()
})

const part = 200 * 1024
scenario(
  'many responses on one connection hold together what the kernel has of them, and not each of them all of it',
  {
    options: { budget: 64 * MIB, cost: part },
    handler: (_req: unknown, res: ServerResponse) => void res.end(Buffer.alloc(part)),
  },
  async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    const count = 8
    client.write(request.repeat(count))
    await until(() => server.governor.stats().released === count, 'the end of the last response, for Node')
    const { reserved } = server.governor.stats()
    t.ok(reserved > part && reserved <= count * (part + 1024), `what was sent, and no more: ${reserved}`)
    client.socket.resume()
    await server.idle()
  },
)

const budget = new ByteBudget({ capacity: 8 * MIB })
let unacknowledged = MIB
scenario(
  'a client that has what it was sent is not over its share, though nobody has looked since',
  { ...setup, options: { budget, cost: 1.5 * MIB, share: { key: 'address', over: 'refuse' } } },
  async (t, server) => {
    const queues = { refresh: () => true, exist: true, unacknowledged: () => unacknowledged }
    const departures = new Departures(budget, anyValue<KernelQueues>(queues))
    Object.assign(budget, { departures })
    t.equal((await server.send('/', '')).status, 200)
    t.equal((await server.send('/', '')).status, 429)
    unacknowledged = 0
    t.equal((await server.send('/', '')).status, 200)
  },
)

/** A departure of 1 MiB of a budget of 2, and a table that says what is left of it. */
function departed(
  t: Test,
  { inSockets = (): number | undefined => undefined, looks = (): boolean => true } = {},
) {
  const file = join(t.testdir(), 'tcp')
  const left = (bytes: number) =>
    writeFileSync(
      file,
      `header\n 0: 0100007F:1F90 0100007F:C350 01 ${bytes.toString(16).padStart(8, '0')}:0 0\n`,
    )
  left(MIB)
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: 2 * MIB })
  let resets = 0
  const socket = {
    localAddress: '127.0.0.1',
    localPort: 8080,
    remoteAddress: '127.0.0.1',
    remotePort: 50_000,
    resetAndDestroy: () => resets++,
    _handle: { bytesWritten: MIB },
  }
  const queues = new KernelQueues([file])
  const refresh = queues.refresh.bind(queues)
  const departures = new Departures(
    budget,
    Object.assign(queues, { refresh: () => looks() && refresh() }),
    inSockets,
  )
  t.teardown(budget.onShortage(() => departures.settle()))
  const add = (bytes = 2 * MIB) =>
    departures.add(anyValue<Socket>(socket), budget.tryAcquire(bytes) as BudgetReservation, MIB)
  return { clock, budget, left, departures, add, socket, queues, resets: () => resets }
}

t.test('no more is held than was sent, and than the kernel has of it', async t => {
  const { clock, budget, left, add } = departed(t)
  t.equal(add(), true)
  t.equal(budget.reserved, MIB)
  left(MIB / 2)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, MIB / 2)
  left(SENT_FREE)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, 0)
})

t.test('who has taken it by then keeps nothing', async t => {
  const { left, add } = departed(t)
  left(SENT_FREE)
  t.equal(add(), false)
})

t.test('who asks what is reserved hears what is so by now', async t => {
  const { budget, left, departures, add } = departed(t)
  add()
  left(0)
  departures.settleNow()
  t.equal(budget.reserved, 0)
})

t.test('who asks waits for no long look, beyond what looking may take', async t => {
  const { budget, left, departures, add, queues } = departed(t)
  add()
  left(0)
  Object.defineProperty(queues, 'tookMs', { value: 30 })
  const parts: (number | undefined)[] = []
  Object.assign(queues, { refresh: (part?: number) => void parts.push(part) })
  departures.settleNow()
  t.strictSame(parts, [1 / 50])
  t.equal(budget.reserved, MIB)
})

t.test('what the next response of its connection leaves there is not its own', async t => {
  const { clock, budget, left, add, socket } = departed(t)
  add()
  socket._handle.bytesWritten += MIB / 2
  left(MIB)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, MIB / 2)
  left(MIB / 2)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, 0)
})

t.test(
  'nothing is its own but what it has sent, whatever came before or after, and once that is closed',
  async t => {
    const { clock, budget, left, add, socket } = departed(t)
    add(MIB / 2)
    left(2 * MIB)
    clock.tick(LOOK_EVERY_MS)
    t.equal(budget.reserved, MIB / 2)
    socket._handle.bytesWritten += MIB
    left(MIB + MIB / 4)
    clock.tick(LOOK_EVERY_MS)
    t.equal(budget.reserved, MIB / 4)
    // A closed socket tells nothing.
    Object.assign(socket, { _handle: null })
    clock.tick(LOOK_EVERY_MS)
    t.equal(budget.reserved, MIB / 4)
    left(MIB)
    clock.tick(LOOK_EVERY_MS)
    t.equal(budget.reserved, 0)
  },
)

t.test('a newcomer who finds no room does not wait for the next look', async t => {
  const { budget, left, add } = departed(t)
  add()
  left(0)
  t.ok(budget.tryAcquire(2 * MIB))
})

t.test('between looks at each of them they hold no more than all sockets do', async t => {
  let inSockets = 4 * MIB
  let looks = false
  const { clock, budget, left, add } = departed(t, { inSockets: () => inSockets, looks: () => looks })
  add(MIB)
  add(MIB)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, 2 * MIB, 'uploads are in sockets, too')
  inSockets = MIB
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, MIB)
  t.equal(budget.tryAcquire(1.5 * MIB), undefined)
  looks = true
  left(0.75 * MIB)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, 1.5 * MIB, 'then each has what the kernel says of it, more or less')
  left(0)
  clock.tick(LOOK_EVERY_MS)
  t.equal(budget.reserved, 0)
})

t.test('a client that takes none of it while others wait is cut, one that does is not', async t => {
  for (const [takes, resets] of [
    [false, 1],
    [true, 0],
  ] as const) {
    await t.test(`${takes}`, async t => {
      const { clock, budget, left, add, resets: met } = departed(t)
      add()
      const other = budget.acquire(2 * MIB)
      let bytes = MIB
      for (let ms = 0; ms <= GRACE_MS; ms += 500) {
        bytes -= takes ? 8192 : 0
        left(bytes)
        clock.tick(500)
      }
      t.equal(met(), resets)
      left(0)
      clock.tick(2 * LOOK_EVERY_MS)
      await promisesSettled()
      ;(await other).release()
    })
  }
})

t.test('who takes what is before it is not cut, though of its own he takes nothing yet', async t => {
  const { clock, budget, left, add, resets } = departed(t)
  add()
  const other = budget.acquire(2 * MIB)
  for (let ms = 0; ms <= 2 * GRACE_MS; ms += 500) {
    left(4 * MIB - ms * 100)
    clock.tick(500)
  }
  t.equal(resets(), 0)
  left(0)
  clock.tick(2 * LOOK_EVERY_MS)
  await promisesSettled()
  ;(await other).release()
})

t.test('where the kernel does not tell, nothing is held, or not any more', async t => {
  const budget = new ByteBudget({ capacity: 2 * MIB })
  const departures = new Departures(budget, new KernelQueues([join(t.testdir(), 'none')]))
  const add = (socket: object) =>
    departures.add(anyValue<Socket>(socket), budget.tryAcquire(MIB) as BudgetReservation, MIB)
  t.equal(add({}), false, 'a pipe has no ports')
  t.equal(add({ localPort: 1, remotePort: 2 }), false)
})
