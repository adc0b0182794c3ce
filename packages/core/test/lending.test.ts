import fc from 'fast-check'
import t from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { BodyHold } from '../src/hold-body.ts'
import { Holding, type Payer } from '../src/holding.ts'
import { READ_AHEAD } from '../src/lending.ts'
import type { Price } from '../src/price.ts'
import type { BudgetReservation } from '../src/reservation.ts'
import { resolvePolicy } from '../src/route-policy.ts'
import { HURRIED_GRACE_MS, LOOK_EVERY_MS, STILL_BYTES } from '../src/watched.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'
import { promisesSettled } from './fixtures/settled.ts'

const seed = randomSeed(t)
const KiB = 1024
const CAPACITY = 2048 * KiB
/** Who moves as much in each step makes progress, whatever he keeps. */
const PROGRESS = 1024

/** How a client sends its body; a step is as long as two looks are apart. */
interface Manner {
  readonly declared: number
  readonly comesAt: number
  /** Bytes a step; the largest is a read. */
  readonly pace: number
  /** After so many bytes it sends nothing for `pause` steps. */
  readonly pausesAt: number
  readonly pause: number
  /** How long its handler goes on when the body is there. */
  readonly handledFor: number
}

/** A client at a time, with a body that Node would read for it. */
class Client implements Payer {
  readonly price: Price
  readonly reader = anyValue<Payer['reader'] & { total: number; complete: boolean; owed: boolean }>({
    total: 0,
    complete: false,
    owed: true,
  })
  readonly req = anyValue<Payer['req']>({ push: () => true, _read: () => {}, readableDidRead: true })
  readonly res = anyValue<Payer['res']>({ writableLength: 0 })
  readonly socket = anyValue<Payer['socket']>({})
  readonly stream = undefined
  readonly manner: Manner
  readonly holding: Holding
  wasCut = false
  over = false
  #paused = 0
  #handled = 0

  constructor(manner: Manner, budget: ByteBudget) {
    this.manner = manner
    const { declared } = manner
    this.price = {
      bytes: declared,
      hasBody: true,
      limit: declared,
      costOf: undefined,
      inflated: undefined,
      held: 'body',
      policy: resolvePolicy({}),
    }
    this.holding = new Holding(this, budget)
  }

  bodyHold(): BodyHold {
    return new BodyHold(this.req)
  }

  /** Whether it never stands still for as long as would have it cut, whatever it keeps. */
  get isHonest(): boolean {
    const { pace, pause } = this.manner
    return pace * (HURRIED_GRACE_MS.sends / LOOK_EVERY_MS - pause - 1) >= STILL_BYTES
  }

  step(): void {
    const { holding, reader, manner } = this
    if (this.over || holding.reservation === undefined) return
    if (reader.complete) {
      if (this.#handled++ >= manner.handledFor) this.end()
      return
    }
    if (holding.halted) return
    if (reader.total >= manner.pausesAt && this.#paused++ < manner.pause) return
    const bytes = Math.min(manner.pace, manner.declared - reader.total)
    reader.total += bytes
    holding.payIn(bytes)
    reader.complete = reader.total === manner.declared
    reader.owed = !reader.complete
  }

  joinShare(): undefined {
    return undefined
  }

  cut(): void {
    this.wasCut = true
    this.end()
  }

  end(): void {
    this.over = true
    this.holding.release()
  }
}

/** Steps until everybody who makes progress is done; nobody may need more than this. */
const MOST_STEPS = 20_000

/** @param ceilings of a valve, for as many steps each; the last one stays */
async function play(
  clock: FakeClock,
  manners: readonly Manner[],
  ceilings: readonly { readonly of: number; readonly for: number }[] = [],
): Promise<Client[]> {
  const budget = new ByteBudget({
    capacity: CAPACITY,
    queue: { timeoutMs: 2 ** 31 - 1, passBytes: CAPACITY },
  })
  const clients: Client[] = []
  const timers = clock.pending
  let step = 0
  const schedule = ceilings.flatMap(ceiling => Array<number>(ceiling.for).fill(ceiling.of))
  for (; step < MOST_STEPS; step++) {
    const ceiling = schedule[step]
    if (ceiling !== undefined) budget.tighten(ceiling)
    for (const manner of manners) {
      if (manner.comesAt !== step) continue
      const client = new Client(manner, budget)
      clients.push(client)
      void budget
        .acquire(manner.declared)
        .then(reservation => client.holding.take(reservation as BudgetReservation))
    }
    await promisesSettled()
    for (const client of clients) {
      client.step()
      if (budget.reserved > budget.capacity)
        throw new Error(`a debt of ${-budget.capacity + budget.reserved}`)
    }
    clock.tick(LOOK_EVERY_MS)
    await promisesSettled()
    const all = clients.length === manners.length
    if (all && clients.every(client => client.over || !client.isHonest)) break
  }
  const left = clients.filter(client => client.isHonest && !client.over)
  if (left.length > 0) throw new Error(`${left.length} wait for ever: ${JSON.stringify(left[0]?.manner)}`)
  while (clients.some(client => !client.over)) {
    for (const client of clients) if (!client.over && client.holding.reservation !== undefined) client.end()
    await promisesSettled()
  }
  if (budget.reserved + budget.waiting + budget.lent > 0) throw new Error('something is left')
  if (clock.pending > timers) throw new Error('a timer is left')
  return clients
}

const declared = fc.oneof(
  fc.integer({ min: 1, max: CAPACITY }),
  fc.constantFrom(CAPACITY, CAPACITY / 4, 16 * KiB),
)
const paces = fc.oneof(fc.constantFrom(READ_AHEAD, PROGRESS, 1), fc.integer({ min: 1, max: READ_AHEAD }))
const manner: fc.Arbitrary<Manner> = fc.record({
  declared,
  comesAt: fc.nat(30),
  pace: paces,
  pausesAt: fc.oneof(fc.nat(CAPACITY), fc.constantFrom(0, 64 * KiB)),
  pause: fc.oneof(fc.nat(4), fc.constant(MOST_STEPS)),
  handledFor: fc.nat(5),
})

t.test('whoever makes progress finishes, whatever the others do, and nothing is ever overdrawn', async t => {
  const clock = new FakeClock(t)
  const property = fc.asyncProperty(
    fc.array(manner, { minLength: 1, maxLength: 24, size: 'max' }),
    async manners => {
      const clients = await play(clock, manners)
      const cut = clients.filter(client => client.wasCut && client.isHonest)
      if (cut.length > 0) throw new Error(`cut: ${JSON.stringify(cut[0]?.manner)}`)
    },
  )
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 100)
})

t.test('so they do while a valve is shut, for however long, or opens and shuts', async t => {
  const clock = new FakeClock(t)
  const ceiling = fc.record({
    of: fc.oneof(fc.constantFrom(CAPACITY / 8, CAPACITY, Number.POSITIVE_INFINITY), fc.nat(CAPACITY)),
    for: fc.integer({ min: 1, max: 40 }),
  })
  const property = fc.asyncProperty(
    fc.array(manner, { minLength: 1, maxLength: 24, size: 'max' }),
    fc.array(ceiling, { minLength: 1, maxLength: 8 }),
    async (manners, ceilings) => {
      await play(clock, manners, ceilings)
    },
  )
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 100)
})
