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
  /** Whether nobody knows how long it will be, and all there is has to be promised to it. */
  readonly endless: boolean
  readonly comesAt: number
  /** Bytes a step; the largest is a read. */
  readonly pace: number
  /** After so many bytes it sends nothing for `pause` steps. */
  readonly pausesAt: number
  readonly pause: number
  /** How long its handler goes on when the body is there. */
  readonly handledFor: number
}

class Reader {
  total = 0
  complete = false
  owed = true

  get held(): number {
    return this.total
  }
}

/** A client at a time, with a body that Node would read for it. */
class Client implements Payer {
  readonly price: Price
  readonly reader = anyValue<Payer['reader'] & { total: number; complete: boolean; owed: boolean }>(
    new Reader(),
  )
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
    const { endless, declared } = manner
    const bytes = endless ? CAPACITY : declared
    this.price = {
      bytes,
      hasBody: true,
      limit: bytes,
      costOf: endless ? bodyBytes => bodyBytes : undefined,
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

  take(reservation: BudgetReservation): void {
    this.holding.take(reservation)
    this.holding.bodyComes()
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
    if (reader.complete) holding.giveBack(this.price.bytes - manner.declared)
  }

  joinShare(): undefined {
    return undefined
  }

  departs(): void {}
  guessDropped(): void {}

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

/** What has been seen at least once: without it the properties hold of nothing. */
const seen = { lent: false, halted: 0, begun: false }

/**
 * @param ceilings of a valve, for as many steps each; the last one stays
 * @param mostDebt where bodies come in larger pieces than are kept free
 */
async function play(
  clock: FakeClock,
  manners: readonly Manner[],
  ceilings: readonly { readonly of: number; readonly for: number }[] = [],
  mostDebt = 0,
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
      const { bytes } = client.price
      void budget
        .acquire(bytes, { beginsWith: manner.endless ? READ_AHEAD : bytes })
        .then(reservation => client.take(reservation as BudgetReservation))
    }
    await promisesSettled()
    for (const client of clients) {
      client.step()
      if (budget.reserved > budget.capacity + mostDebt)
        throw new Error(`a debt of ${-budget.capacity + budget.reserved}`)
    }
    clock.tick(LOOK_EVERY_MS)
    await promisesSettled()
    note(budget, clients)
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

function note(budget: ByteBudget, clients: readonly Client[]): void {
  if (budget.lent > 0) seen.lent = true
  seen.halted = Math.max(seen.halted, budget.halted)
  if (clients.some(({ reader, holding }) => reader.total === 0 && (holding.reservation?.lent ?? 0) > 0))
    seen.begun = true
}

const declared = fc.oneof(
  fc.integer({ min: 1, max: CAPACITY }),
  fc.constantFrom(CAPACITY, CAPACITY / 4, 16 * KiB),
)
const paces = fc.oneof(fc.constantFrom(READ_AHEAD, PROGRESS, 1), fc.integer({ min: 1, max: READ_AHEAD }))
/** Promised much, and slow only until it was lent. */
const resuming: fc.Arbitrary<Manner> = fc.record({
  declared: fc.integer({ min: CAPACITY / 4, max: CAPACITY }),
  endless: fc.boolean(),
  comesAt: fc.nat(8),
  pace: fc.constantFrom(READ_AHEAD, READ_AHEAD / 2),
  pausesAt: fc.nat(CAPACITY / 4),
  pause: fc.integer({ min: 2, max: 6 }),
  handledFor: fc.nat(1),
})
const anyManner: fc.Arbitrary<Manner> = fc.record({
  declared,
  endless: fc.boolean(),
  comesAt: fc.nat(30),
  pace: paces,
  pausesAt: fc.oneof(fc.nat(CAPACITY), fc.constantFrom(0, 64 * KiB)),
  pause: fc.oneof(fc.nat(4), fc.constant(MOST_STEPS)),
  handledFor: fc.nat(5),
})
const manner = fc.oneof(anyManner, resuming)

t.test('whoever makes progress finishes, whatever the others do, and nothing is ever overdrawn', async t => {
  const clock = new FakeClock(t)
  const property = fc.asyncProperty(
    fc.array(manner, { minLength: 1, maxLength: 16, size: 'max' }),
    async manners => {
      const clients = await play(clock, manners)
      const cut = clients.filter(client => client.wasCut && client.isHonest)
      if (cut.length > 0) throw new Error(`cut: ${JSON.stringify(cut[0]?.manner)}`)
    },
  )
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 150)
})

t.test(
  'so they do where a read costs more than is kept free for one, and what is overdrawn is little',
  async t => {
    const clock = new FakeClock(t)
    const most = 16
    const pace = 4 * READ_AHEAD
    const costly = manner.map(manner => ({ ...manner, endless: false, pace: manner.pace * 4 }))
    const property = fc.asyncProperty(
      fc.array(costly, { minLength: 1, maxLength: most, size: 'max' }),
      async manners => {
        await play(clock, manners, [], most * pace)
      },
    )
    await holds(t, property as fc.IAsyncProperty<unknown>, seed, 150)
  },
)

t.test('so they do while a valve is shut, for however long, or opens and shuts', async t => {
  const clock = new FakeClock(t)
  const ceiling = fc.record({
    of: fc.oneof(fc.constantFrom(CAPACITY / 8, CAPACITY, Number.POSITIVE_INFINITY), fc.nat(CAPACITY)),
    for: fc.integer({ min: 1, max: 40 }),
  })
  const property = fc.asyncProperty(
    fc.array(manner, { minLength: 1, maxLength: 16, size: 'max' }),
    fc.array(ceiling, { minLength: 1, maxLength: 8 }),
    async (manners, ceilings) => {
      await play(clock, manners, ceilings)
    },
  )
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 150)
})

t.test(
  'in these runs bytes were lent, several were halted at a time, and some began with a part',
  async t => {
    t.match(seen, { lent: true, begun: true })
    t.ok(seen.halted > 1, `${seen.halted} halted at a time`)
  },
)
