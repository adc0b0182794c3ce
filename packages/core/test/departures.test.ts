import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { LEAST_FREE } from '../src/allowance.ts'
import { ByteBudget } from '../src/byte-budget.ts'
import { LOOK_EVERY_MS, MOST_OF_ONE, SENT_FREE } from '../src/departures.ts'
import type { Ends } from '../src/kernel-queues.ts'
import type { BudgetReservation } from '../src/reservation.ts'
import { GRACE_MS } from '../src/watched.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { scenario } from './fixtures/governed-server.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'
import type { RawClient } from './fixtures/raw-client.ts'
import { promisesSettled } from './fixtures/settled.ts'
import { until } from './fixtures/until.ts'

const seed = randomSeed(t)

const MIB = 2 ** 20
const request = 'GET /late HTTP/1.1\r\nHost: a\r\n\r\n'
/** The send buffer of the loopback takes it at once. */
const setup = {
  options: { budget: 4 * MIB, cost: MIB },
  handler: (_req: unknown, res: ServerResponse) => void res.end(Buffer.alloc(MIB)),
} as const

scenario(
  'clients that read late are not sent more than the budget and what the kernel may have for nothing',
  setup,
  async (t, server) => {
    const clients: RawClient[] = []
    for (let n = 0; n < 40; n++) {
      const client = await server.connect()
      client.socket.pause()
      client.write(request)
      clients.push(client)
    }
    const { governor } = server
    await until(() => governor.stats().waiting + governor.stats().released === 40, 'all to be there')
    const { departed, reserved, available, waiting, queued } = governor.stats()
    t.equal(reserved, 0, 'nobody has reserved anything')
    t.ok(departed > LEAST_FREE && departed <= LEAST_FREE + 4 * MIB, `the kernel has ${departed}`)
    t.ok(available < MIB, `so there is room for nobody else: ${available}`)
    t.ok(waiting > 20 && queued >= waiting, `and they wait: ${waiting}`)
    for (const client of clients) client.socket.resume()
    for (const client of clients) t.strictSame(await client.answers(1), [200])
    await until(() => governor.stats().departed === 0, 'the end of what has departed')
  },
)

scenario('who asks for one thing after the other never waits', setup, async (t, server) => {
  const client = await server.connect()
  for (let n = 1; n <= 30; n++) {
    client.write(request)
    await client.answers(n)
  }
  await until(() => server.governor.stats().released === 30, 'the end of all')
  t.equal(server.governor.stats().queued, 0)
  t.notMatch(client.received, /Connection: close/i)
})

const sizes = { '/small': SENT_FREE / 2, '/large': MIB }
scenario(
  'a small response is not counted; a large one is, whatever was reserved for it, since all of it was held',
  {
    options: { budget: 4 * MIB, cost: ({ url }) => (url === '/small' ? MIB : 0) },
    handler: (req, res) => void res.end(Buffer.alloc(sizes[req.url as keyof typeof sizes])),
  },
  async (t, server) => {
    for (const [path, least] of [
      ['/small', 0],
      ['/large', MIB - SENT_FREE],
    ] as const) {
      const client = await server.connect()
      client.socket.pause()
      client.write(request.replace('/late', path))
      const { released } = server.governor.stats()
      await until(() => server.governor.stats().released > released, 'its end, for Node')
      const { departed } = server.governor.stats()
      t.ok(departed >= least && departed <= least + SENT_FREE, `${path}: ${departed}`)
    }
  },
)

scenario(
  'it counts as well where the connection ends with the response, until its client is gone',
  setup,
  async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    client.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    await server.connections(0)
    t.ok(server.governor.stats().departed > MIB / 2)
    client.reset()
    await until(() => server.governor.stats().departed === 0, 'the end of what has departed')
  },
)

scenario(
  'of what is only observed nothing is counted, and nobody would be held up by it',
  { ...setup, options: { ...setup.options, mode: 'observe' } },
  async (t, server) => {
    for (let n = 1; n <= 16; n++) {
      const client = await server.connect()
      client.socket.pause()
      client.write(request)
      await until(() => server.governor.stats().released === n, 'its end, for Node')
    }
    t.match(server.governor.stats(), { departed: 0, observed: { queued: 0 } })
  },
)

scenario(
  'what has arrived before more was reserved is not taken for sent',
  {
    options: { budget: 4 * MIB, cost: 0 },
    handler: async (req, res, reservation) => {
      for await (const _ of req);
      reservation.tryGrow(2 * MIB)
      res.end(Buffer.alloc(MIB))
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.socket.pause()
    client.write(`POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`)
    await until(() => server.governor.stats().released === 1, 'the end of it, for Node')
    const { departed } = server.governor.stats()
    t.ok(departed > MIB - 1024, `all that was sent: ${departed}`)
  },
)

/** A budget of 16 MiB that has 8 MiB free of what departs, and what a kernel says of its connections. */
function departing(t: Pick<Test, 'teardown'>, { counter = false } = {}) {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: 16 * MIB })
  const left = new Map<number, number>()
  const kernel = { exist: true, looks: true, inSockets: Number.POSITIVE_INFINITY, parts: [] as number[] }
  budget.departures.sources = {
    queues: {
      get exist() {
        return kernel.exist
      },
      refresh: part => {
        kernel.parts.push(part as number)
        return kernel.looks && kernel.exist
      },
      unacknowledged: ({ remotePort }: Ends) => left.get(remotePort as number),
    },
    inSockets: () => (counter ? kernel.inSockets : undefined),
  }
  const resets: number[] = []
  const connect = (remotePort: number) => {
    const socket = {
      remotePort,
      _handle: { bytesWritten: 0 },
      resetAndDestroy: () => {
        resets.push(remotePort)
        left.delete(remotePort)
      },
    }
    return anyValue<Socket & { _handle: { bytesWritten: number } }>(socket)
  }
  const sockets = new Map<number, ReturnType<typeof connect>>()
  /** One that has `bytes` reserved sends as much, and is over: the kernel has it. */
  const depart = (port: number, reservation = budget.tryAcquire(MIB)) => {
    const bytes = reservation?.bytes as number
    const socket = sockets.get(port) ?? connect(port)
    sockets.set(port, socket)
    socket._handle.bytesWritten += bytes
    left.set(port, (left.get(port) ?? 0) + bytes)
    budget.departures.add(socket, bytes)
    reservation?.release()
    return socket
  }
  /** So many of 1 MiB each, of a connection each. */
  const departAll = (count: number, from = 1) => {
    for (let port = from; port < from + count; port++) depart(port)
  }
  const look = () => clock.tick(LOOK_EVERY_MS)
  return { clock, budget, left, kernel, resets, depart, departAll, look }
}

t.test(
  'beyond what the kernel may have for nothing newcomers find less room, who is in does not',
  async t => {
    const { budget, left, departAll, look, clock } = departing(t)
    departAll(8)
    t.match(budget, { departed: 8 * MIB, available: 16 * MIB, reserved: 0 })
    departAll(4, 9)
    t.match(budget, { departed: 12 * MIB, available: 12 * MIB, reserved: 0 })
    const held = budget.tryAcquire(12 * MIB) as BudgetReservation
    t.ok(held)
    t.equal(budget.tryAcquire(1), undefined)
    t.equal(held.tryGrow(4 * MIB), true, 'to finish it may have all there is')
    t.equal(held.tryGrow(1), false)
    held.release()
    left.clear()
    look()
    t.match(budget, { departed: 0, available: 16 * MIB })
    t.equal(clock.pending, 0)
  },
)

t.test('whoever is next is let in as soon as the kernel has less', async t => {
  const { budget, left, departAll, look } = departing(t)
  departAll(16)
  let granted = 0
  const waiters = [10 * MIB, MIB].map(bytes => budget.acquire(bytes))
  for (const waiter of waiters) waiter.then(() => granted++)
  left.delete(1)
  look()
  await promisesSettled()
  t.equal(granted, 0, 'nobody passes who is next')
  left.delete(2)
  left.delete(3)
  look()
  await promisesSettled()
  t.equal(granted, 2)
  for (const waiter of waiters) (await waiter).release()
  left.clear()
  look()
})

t.test('a newcomer does not wait for the next look', async t => {
  const { budget, left, departAll, clock } = departing(t)
  departAll(16)
  clock.tick(10)
  left.clear()
  t.ok(budget.tryAcquire(16 * MIB))
  t.equal(budget.departed, 0)
})

t.test('to look takes little of the time, and a little more where no counter helps', async t => {
  for (const [counter, part] of [
    [true, 1 / 50],
    [false, 1 / 20],
  ] as const)
    await t.test(`${counter}`, async t => {
      const { kernel, departAll, look, budget } = departing(t, { counter })
      departAll(16)
      for (let n = 0; n < 100; n++) budget.tryAcquire(16 * MIB)
      look()
      t.strictSame([...new Set(kernel.parts)], [part])
      t.ok(kernel.parts.length <= 3, `it looks no more often than it may: ${kernel.parts.length}`)
    })
})

t.test('between looks at each of them they have no more than all sockets do', async t => {
  const { budget, kernel, left, departAll, look, clock } = departing(t, { counter: true })
  kernel.looks = false
  departAll(16)
  t.equal(budget.departed, 16 * MIB, 'uploads are in sockets, too')
  kernel.inSockets = 10 * MIB
  look()
  t.match(budget, { departed: 10 * MIB, available: 14 * MIB })
  kernel.inSockets = 14 * MIB
  look()
  t.match(budget, { departed: 10 * MIB }, 'what is gone does not come back')
  departAll(1, 17)
  t.match(budget, { departed: 11 * MIB })
  kernel.looks = true
  for (let port = 1; port <= 4; port++) left.delete(port)
  look()
  t.match(budget, { departed: 13 * MIB }, 'then it is known of each')
  left.clear()
  look()
  t.equal(budget.departed, 0)
  t.equal(clock.pending, 0)
})

t.test('what the next response of its connection sends is not of those before', async t => {
  const { budget, left, depart, look } = departing(t)
  const socket = depart(1)
  socket._handle.bytesWritten += 2 * MIB
  left.set(1, 2.5 * MIB)
  look()
  t.equal(budget.departed, MIB / 2)
  depart(1)
  t.equal(budget.departed, 1.5 * MIB, 'once that is over it counts as well')
  left.set(1, SENT_FREE)
  look()
  t.equal(budget.departed, 0)
})

t.test('of a closed connection it is known what it had', async t => {
  const { budget, left, depart, look } = departing(t)
  const socket = depart(1)
  Object.assign(socket, { _handle: null, remotePort: undefined })
  left.set(1, MIB / 2)
  look()
  t.equal(budget.departed, MIB / 2)
  left.clear()
  look()
  t.equal(budget.departed, 0)
})

t.test('no more counts of one connection than a send buffer holds, until the kernel says so', async t => {
  const { budget, left, depart, look } = departing(t)
  depart(1, budget.tryAcquire(10 * MIB))
  t.equal(budget.departed, MOST_OF_ONE)
  look()
  t.equal(budget.departed, 10 * MIB)
  depart(1)
  t.equal(budget.departed, 10 * MIB)
  left.clear()
  look()
})

t.test('a client that takes none of it while others wait is cut, one that does is not', async t => {
  for (const takes of [false, true])
    await t.test(`${takes}`, async t => {
      const { clock, budget, left, departAll, look, resets } = departing(t)
      departAll(16)
      const waiter = budget.acquire(16 * MIB)
      for (let ms = 0; ms <= GRACE_MS; ms += 500) {
        if (takes) for (const [port, bytes] of left) left.set(port, bytes - 8192)
        clock.tick(500)
      }
      t.equal(resets.length, takes ? 0 : 8, 'as many as are beyond what it may have for nothing')
      left.clear()
      look()
      ;(await waiter).release()
    })
})

t.test('nobody is cut where that lets in nobody', async t => {
  const { clock, budget, departAll, resets, left, look } = departing(t)
  departAll(8)
  const held = budget.tryAcquire(16 * MIB)
  const waiter = budget.acquire(MIB)
  clock.tick(4 * GRACE_MS)
  t.strictSame(resets, [])
  held?.release()
  ;(await waiter).release()
  left.clear()
  look()
})

t.test('nor for who is in and was halted: he finds the room that has departed', async t => {
  const { clock, budget, departAll, resets, left, look } = departing(t)
  departAll(16)
  const lender = budget.tryAcquire(8 * MIB) as BudgetReservation
  const loan = budget.loanOf(lender, () => {})
  loan.lend(0)
  const others = budget.charge(16 * MIB)
  loan.claim(MIB, MIB)
  t.equal(budget.halted, 1)
  const waiter = budget.acquire(MIB)
  clock.tick(4 * GRACE_MS)
  t.strictSame(resets, [])
  others.release()
  t.equal(budget.halted, 0)
  lender.release()
  ;(await waiter).release()
  left.clear()
  look()
})

t.test('what closed connections leave behind keeps nobody out for ever', async t => {
  const { clock, budget, left, depart, look, resets } = departing(t)
  for (let port = 1; port <= 16; port++) Object.assign(depart(port), { resetAndDestroy: () => {} })
  const waiter = budget.acquire(16 * MIB)
  clock.tick(2 * GRACE_MS)
  ;(await waiter).release()
  t.strictSame(resets, [])
  t.ok(budget.departed <= LEAST_FREE)
  left.clear()
  look()
  t.equal(clock.pending, 0)
})

t.test('a capacity that is changed changes what the kernel may have', async t => {
  const { budget, left, departAll, look } = departing(t)
  departAll(16)
  t.equal(budget.available, 8 * MIB)
  budget.resize(128 * MIB)
  t.equal(budget.available, 128 * MIB)
  left.clear()
  look()
})

t.test('where the kernel does not tell, nothing is counted, or not any more', async t => {
  const { budget, kernel, depart, departAll, look, clock } = departing(t)
  const none = anyValue<Socket>({})
  budget.departures.add(none, MIB)
  t.equal(budget.departed, 0, 'a pipe has no ports')
  depart(1)
  kernel.exist = false
  departAll(1, 2)
  t.equal(budget.departed, MIB)
  look()
  t.equal(budget.departed, 0)
  t.equal(clock.pending, 0)
})

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      bytes: fc.integer({ min: 1, max: 16 * MIB }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('depart' as const),
      whom: fc.nat(1000),
      port: fc.integer({ min: 1, max: 12 }),
    }),
  },
  fc.record({ do: fc.constant('grow' as const), whom: fc.nat(1000), bytes: fc.nat(8 * MIB) }),
  fc.record({
    do: fc.constant('take' as const),
    port: fc.integer({ min: 1, max: 12 }),
    bytes: fc.nat(16 * MIB),
  }),
  fc.record({ do: fc.constant('count' as const), bytes: fc.nat(32 * MIB), looks: fc.boolean() }),
  fc.record({ do: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 400 }) }),
)

t.test(
  'whatever departs: no newcomer passes the room, none that fits is asleep, and nothing is left',
  async t => {
    const property = fc.asyncProperty(
      fc.array(command, { minLength: 1, maxLength: 60, size: 'max' }),
      async commands => {
        let reset = (): unknown => undefined
        const teardown = (undo: unknown) => {
          reset = undo as typeof reset
        }
        try {
          const { budget, clock, left, kernel, depart, look } = departing({ teardown } as never, {
            counter: true,
          })
          const held: BudgetReservation[] = []
          const wanted: number[] = []
          const room = () => 16 * MIB - budget.reserved - Math.max(0, budget.departed - LEAST_FREE)
          const check = () => {
            if (budget.available !== Math.max(0, room()))
              throw new Error(`available ${budget.available}, not ${room()}`)
            if (wanted.length !== budget.waiting)
              throw new Error(`${budget.waiting} wait, not ${wanted.length}`)
            const [head] = wanted
            if (head !== undefined && head <= room())
              throw new Error(`asleep: ${head}, though there is ${room()}`)
          }
          for (const command of commands) {
            if (command.do === 'acquire') {
              const { bytes } = command
              wanted.push(bytes)
              budget.acquire(bytes).then(reservation => {
                wanted.splice(wanted.indexOf(bytes), 1)
                held.push(reservation as BudgetReservation)
              })
            } else if (command.do === 'depart') {
              const [one] = held.splice(command.whom % Math.max(1, held.length), 1)
              if (one !== undefined) depart(command.port, one)
            } else if (command.do === 'grow') {
              const one = held[command.whom % Math.max(1, held.length)]
              const fits = one !== undefined && budget.reserved + command.bytes <= 16 * MIB
              if (one !== undefined && one.tryGrow(command.bytes) !== fits)
                throw new Error('who is in is not held up')
            } else if (command.do === 'take')
              left.set(command.port, Math.max(0, (left.get(command.port) ?? 0) - command.bytes))
            else if (command.do === 'count') {
              kernel.inSockets = command.bytes
              kernel.looks = command.looks
            } else clock.tick(command.ms)
            await promisesSettled()
            check()
          }
          kernel.looks = true
          for (let turn = 0; turn <= commands.length; turn++) {
            for (const one of held.splice(0)) one.release()
            left.clear()
            look()
            await promisesSettled()
            check()
          }
          const { reserved, waiting, departed } = budget
          if (reserved + waiting + departed + clock.pending !== 0) throw new Error('something is left')
        } finally {
          reset()
        }
      },
    )
    await holds(t, property as fc.IAsyncProperty<unknown>, seed, 150)
  },
)
