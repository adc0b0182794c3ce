import fc from 'fast-check'
import t from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import type { BudgetReservation, Reservation } from '../src/reservation.ts'
import { BudgetModel, type ModelQueue } from './fixtures/budget-model.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { holds } from './fixtures/holds.ts'
import { abortListeners } from './fixtures/listeners.ts'
import { randomSeed } from './fixtures/random-seed.ts'
import { promisesSettled } from './fixtures/settled.ts'

const seed = randomSeed(t)

const KiB = 1024
const CAPACITY = 20 * KiB

/** Whom a command is about: the nth of all that were ever asked for, counted round. */
const whom = fc.nat(1000)
const size = fc.oneof(
  fc.nat(24).map(size => size * KiB),
  fc.nat(6).map(size => size * KiB),
  fc.nat(CAPACITY),
  fc.nat(2 * KiB),
)
const command = fc.oneof(
  fc.record({ do: fc.constant('tryAcquire' as const), bytes: size }),
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('acquire' as const), bytes: size, waitSeconds: fc.nat(3) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), whom }) },
  fc.record({ do: fc.constant('release twice' as const), whom }),
  fc.record({ do: fc.constant('abort' as const), whom }),
  fc.record({ do: fc.constant('grow' as const), whom, bytes: size }),
  fc.record({ do: fc.constant('shrink' as const), whom, bytes: size }),
  fc.record({ do: fc.constant('pay in' as const), whom, bytes: size }),
  fc.record({ do: fc.constant('resize' as const), bytes: size }),
  fc.record({ do: fc.constant('tighten' as const), to: fc.option(size) }),
  fc.record({ do: fc.constant('tick' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

/** Drives the budget and the model side by side, and compares them after each command. */
class Run {
  readonly budget: ByteBudget
  readonly model: BudgetModel
  readonly clock: FakeClock
  readonly granted: number[] = []
  readonly refused: string[] = []
  readonly reservations = new Map<number, Reservation>()
  readonly controllers = new Map<number, AbortController>()
  #ids = 0

  constructor(clock: FakeClock, queue: ModelQueue) {
    this.budget = new ByteBudget({ capacity: CAPACITY, queue: { ...queue, timeoutMs: 2000 } })
    this.model = new BudgetModel(CAPACITY, queue)
    this.clock = clock
  }

  async run(command: Command): Promise<void> {
    this.do(command)
    // Before any promise has its turn: what was freed has been granted already.
    this.compare(command)
    await promisesSettled()
    this.compare(command)
    same(this.granted, this.model.granted, command, 'granted, in order')
    same(this.refused.toSorted(), this.model.refused.toSorted(), command, 'refused')
    for (const [id, reservation] of this.reservations) {
      same(reservation.bytes, this.model.held.get(id)?.bytes ?? 0, command, `bytes of ${id}`)
      same(reservation.released, !this.model.held.has(id), command, `released of ${id}`)
    }
  }

  do(command: Command): void {
    const { budget, model } = this
    switch (command.do) {
      case 'tryAcquire': {
        const id = this.#ids++
        const reservation = budget.tryAcquire(command.bytes)
        model.tryAcquire(id, command.bytes)
        same(reservation !== undefined, model.held.has(id), command, 'acquired')
        if (reservation !== undefined) this.reservations.set(id, reservation)
        break
      }
      case 'acquire':
        this.acquire(command.bytes, command.waitSeconds)
        break
      case 'release':
      case 'release twice': {
        const id = this.#nth([...this.reservations.keys()], command.whom)
        if (id === undefined) break
        this.reservations.get(id)?.release()
        if (command.do === 'release twice') this.reservations.get(id)?.release()
        model.held.delete(id)
        model.drain()
        break
      }
      case 'abort': {
        const id = this.#nth([...this.controllers.keys()], command.whom)
        if (id === undefined) break
        this.controllers.get(id)?.abort(new Error('aborted'))
        model.leave(id, 'aborted')
        break
      }
      case 'grow': {
        const id = this.#nth([...this.reservations.keys()], command.whom)
        if (id === undefined) break
        const grows = model.grow(id, command.bytes)
        same(this.reservations.get(id)?.tryGrow(command.bytes), grows, command, 'grown')
        break
      }
      case 'shrink': {
        const id = this.#nth([...this.reservations.keys()], command.whom)
        if (id === undefined) break
        this.reservations.get(id)?.shrink(command.bytes)
        model.shrink(id, command.bytes)
        break
      }
      case 'pay in': {
        const id = this.#nth([...this.reservations.keys()], command.whom) ?? -1
        const reservation = this.reservations.get(id) as BudgetReservation | undefined
        reservation?.payIn(command.bytes)
        break
      }
      case 'resize':
        budget.resize(command.bytes)
        model.capacity = command.bytes
        model.configured = Math.max(model.configured, command.bytes)
        model.drain()
        break
      case 'tighten':
        model.ceiling = command.to ?? Number.POSITIVE_INFINITY
        budget.tighten(model.ceiling)
        model.drain()
        break
      case 'tick':
        this.clock.tick(command.seconds * 1000)
        model.tick(command.seconds * 1000)
    }
  }

  acquire(bytes: number, waitSeconds: number): void {
    const id = this.#ids++
    // No two of these are due at once: the order among such is nobody's promise.
    const timeoutMs = waitSeconds * 1000 + id + 1
    const controller = new AbortController()
    if (waitSeconds > 0) this.controllers.set(id, controller)
    this.budget.acquire(bytes, waitSeconds > 0 ? { timeoutMs, signal: controller.signal } : {}).then(
      reservation => {
        this.granted.push(id)
        this.reservations.set(id, reservation)
      },
      (error: Error & { code?: string }) => this.refused.push(`${id} ${error.code ?? error.message}`),
    )
    this.model.acquire(id, bytes, waitSeconds > 0 ? timeoutMs : this.budget.queue.timeoutMs)
  }

  compare(command: unknown): void {
    const { budget, model } = this
    same(budget.reserved, model.reserved, command, 'reserved')
    same(budget.waiting, model.line.length, command, 'waiting')
    same(budget.available, Math.max(0, model.open - model.reserved), command, 'available')
    same(budget.capacity, model.capacity, command, 'capacity')
    same(budget.lane.reserved, model.laneReserved, command, 'reserved of the lane')
    same(budget.lane.reserved <= budget.lane.capacity, true, command, 'the lane holds no more than it can')
    same(budget.paidIn <= budget.reserved && budget.paidIn >= 0, true, command, 'paidIn <= reserved')
    const head = model.line.find(waiter => waiter.bytes <= model.open)
    const asleep = head !== undefined && head.bytes <= model.open - budget.reserved
    same(asleep, false, command, 'asleep, though there is room')
    const small = model.line.find(({ bytes }) => model.isSmall(bytes))
    const asleepInLane = small !== undefined && small.bytes <= budget.lane.capacity - budget.lane.reserved
    same(asleepInLane, false, command, 'asleep, though the lane has room')
  }

  /** Everybody finishes. */
  async finish(): Promise<void> {
    this.budget.resize(this.budget.configuredCapacity)
    const last = this.budget.waiting
    for (let turn = 0; turn <= last; turn++) {
      for (const reservation of this.reservations.values()) reservation.release()
      await promisesSettled()
    }
    for (const reservation of this.reservations.values()) reservation.release()
    same(this.budget.reserved, 0, 'finish', 'reserved')
    same(this.budget.lane.reserved, 0, 'finish', 'reserved of the lane')
    same(this.budget.waiting, 0, 'finish', 'waiting')
    same(this.budget.paidIn, 0, 'finish', 'paidIn')
    same(this.clock.pending, 0, 'finish', 'timers')
    for (const { signal } of this.controllers.values()) same(abortListeners(signal), 0, 'finish', 'listeners')
  }

  #nth(ids: number[], n: number): number | undefined {
    return ids[n % Math.max(1, ids.length)]
  }
}

function same(actual: unknown, expected: unknown, command: unknown, what: string): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (is !== should) throw new Error(`${what}: ${is}, not ${should}, after ${JSON.stringify(command)}`)
}

t.test('a budget does what its model does, whatever is asked of it', async t => {
  const commands = fc.array(command, { minLength: 1, maxLength: 120, size: 'max' })
  const queues = fc.record({
    limit: fc.constantFrom(0, 3, 8, 50),
    lane: fc.constantFrom(0, 3, 2 * KiB, 6 * KiB, 16 * KiB),
    passBytes: fc.constantFrom(0, 3 * KiB, CAPACITY, 10 * CAPACITY),
  })
  const property = fc.asyncProperty(commands, queues, async (commands, queue) => {
    // What a run that fails leaves must not meet the next one.
    let reset = (): unknown => undefined
    const clock = new FakeClock({ teardown: undo => (reset = undo as typeof reset) })
    try {
      const run = new Run(clock, queue)
      for (const command of commands) await run.run(command)
      await run.finish()
    } finally {
      reset()
    }
  })
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 300)
})

t.test('any waiter up to the capacity is granted in the end, in the order of arrival', async t => {
  const sizes = fc.array(fc.nat(CAPACITY), { minLength: 1, maxLength: 40 })
  const order = fc.array(fc.nat(1000), { minLength: 40, maxLength: 40, size: 'max' })
  const property = fc.asyncProperty(sizes, order, async (sizes, order) => {
    const budget = new ByteBudget({ capacity: CAPACITY })
    const granted: number[] = []
    const held: Reservation[] = []
    const all = budget.charge(CAPACITY)
    sizes.forEach((bytes, id) => {
      budget.acquire(bytes).then(reservation => {
        granted.push(id)
        held.push(reservation)
      })
    })
    all.release()
    await promisesSettled()
    while (held.length > 0) {
      const [next] = held.splice((order.pop() as number) % held.length, 1)
      next?.release()
      await promisesSettled()
    }
    same(granted, [...sizes.keys()], 'all released', 'granted')
    same([budget.reserved, budget.waiting], [0, 0], 'all released', 'left')
  })
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 200)
})
