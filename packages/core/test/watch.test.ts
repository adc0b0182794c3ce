import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import type { KernelQueues } from '../src/kernel-queues.ts'
import {
  GRACE_MS,
  type Holder,
  HURRIED_GRACE_MS,
  LEAST_GRACE_MS,
  LOOK_EVERY_MS,
  STILL_BYTES,
  Watched,
} from '../src/watched.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { promisesSettled } from './fixtures/settled.ts'

const CAPACITY = 64 * 2 ** 20

/** Somebody who holds bytes, and owes us something. */
class Client implements Holder {
  readonly reservation: ReturnType<ByteBudget['charge']>
  overflow: ReturnType<ByteBudget['charge']> | undefined
  owes: ReturnType<Holder['owed']>
  bytesMoved = 0
  bytesAcknowledged: number | undefined
  cuts = 0
  /** Not where work of its handler is held. */
  releases = true

  constructor(budget: ByteBudget, bytes: number, owes: Client['owes']) {
    this.reservation = budget.charge(bytes)
    this.owes = owes
    budget.watch(this)
  }

  get bytes(): number {
    return this.reservation.bytes
  }

  moved(): number {
    return this.bytesMoved
  }

  owed(): Client['owes'] {
    return this.owes
  }

  acknowledged(): number | undefined {
    return this.bytesAcknowledged
  }

  needed(): undefined {}

  lend(): void {}

  dropGuess(): void {}

  cut(): void {
    this.cuts++
    if (this.releases) this.reservation.release()
  }
}

/** A budget that is all held, by one, and another who waits for `wanted`. */
function oneWaits(
  t: Test,
  bytes: number,
  owes: Client['owes'],
  wanted = bytes,
): { clock: FakeClock; client: Client } {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  budget.charge(CAPACITY - bytes)
  const client = new Client(budget, bytes, owes)
  budget.acquire(wanted).catch(() => {})
  return { clock, client }
}

for (const [who, owes, acknowledges, leastMs, hurriedMs] of [
  ['a sender', 'sends', undefined, LEAST_GRACE_MS, HURRIED_GRACE_MS.sends],
  ['a reader of whom the kernel tells nothing', 'takes', undefined, GRACE_MS, GRACE_MS],
  ['a reader whose acknowledgements are seen', 'takes', 0, LEAST_GRACE_MS, HURRIED_GRACE_MS.acknowledges],
] as const) {
  t.test(`${who} who holds much and stands still is cut after ${leastMs} ms, and not before`, async t => {
    const { clock, client } = oneWaits(t, CAPACITY / 2, owes)
    client.bytesAcknowledged = acknowledges
    clock.tick(leastMs - 1)
    t.equal(client.cuts, 0)
    clock.tick(LOOK_EVERY_MS)
    t.equal(client.cuts, 1)
  })

  t.test(`${who} is cut after ${hurriedMs} ms where others have kept the whole budget still`, async t => {
    const clock = new FakeClock(t)
    const budget = new ByteBudget({ capacity: CAPACITY })
    const waits = (): void => void budget.acquire(CAPACITY).then(all => all.release())
    for (let at = 0; at < 4; at++) new Client(budget, CAPACITY / 4, 'sends')
    waits()
    clock.tick(LEAST_GRACE_MS + LOOK_EVERY_MS)
    await promisesSettled()
    t.match(budget, { reserved: 0, waiting: 0 }, 'all of them were cut')
    // So little would else have longer.
    const bytes = CAPACITY / 16
    budget.charge(CAPACITY - bytes)
    const client = new Client(budget, bytes, owes)
    client.bytesAcknowledged = acknowledges
    budget.acquire(bytes).catch(() => {})
    clock.tick(hurriedMs - 1)
    t.equal(client.cuts, 0)
    clock.tick(LOOK_EVERY_MS)
    t.equal(client.cuts, 1)
  })

  t.test(`${who} is waited for as long as ever once that is over`, async t => {
    const clock = new FakeClock(t)
    const budget = new ByteBudget({ capacity: CAPACITY })
    const waits = (): void => void budget.acquire(CAPACITY).then(all => all.release())
    new Client(budget, CAPACITY, 'sends')
    waits()
    clock.tick(LEAST_GRACE_MS + GRACE_MS)
    await promisesSettled()
    const client = new Client(budget, CAPACITY, owes)
    client.bytesAcknowledged = acknowledges
    waits()
    clock.tick(leastMs - 1)
    t.equal(client.cuts, 0)
  })

  t.test(`${who} who holds little has all of the grace`, async t => {
    const { clock, client } = oneWaits(t, CAPACITY / 64, owes)
    client.bytesAcknowledged = acknowledges
    clock.tick(GRACE_MS - 1)
    t.equal(client.cuts, 0)
    clock.tick(LOOK_EVERY_MS)
    t.equal(client.cuts, 1)
  })

  t.test(`${who} who moves ${STILL_BYTES} bytes within his grace is not cut`, async t => {
    const { clock, client } = oneWaits(t, CAPACITY / 2, owes)
    client.bytesAcknowledged = acknowledges
    for (let ms = 0; ms < 10_000; ms += leastMs - LOOK_EVERY_MS) {
      clock.tick(leastMs - LOOK_EVERY_MS)
      client.bytesMoved += STILL_BYTES
    }
    t.equal(client.cuts, 0)
  })
}

t.test('a reader who acknowledges is not cut, whatever Node hears of him', async t => {
  const { clock, client } = oneWaits(t, CAPACITY / 2, 'takes')
  client.bytesAcknowledged = 0
  for (let ms = 0; ms < 10_000; ms += 500) {
    clock.tick(500)
    client.bytesAcknowledged += STILL_BYTES
  }
  t.equal(client.cuts, 0)
})

t.test('a reader is not cut for the time between two looks of the kernel, which may be seconds', async t => {
  const client = new Client(new ByteBudget({ capacity: CAPACITY }), CAPACITY / 2, 'takes')
  const watched = new Watched(client)
  const queues = anyValue<KernelQueues>({})
  const looks = (ms: number) => {
    for (let sinceMs = 0; sinceMs < ms; sinceMs += LOOK_EVERY_MS) watched.look(LOOK_EVERY_MS)
  }
  client.bytesAcknowledged = 0
  looks(2000)
  watched.lookCloser(queues)
  t.equal(watched.isTooStill(1 / 2, true), false, 'of the time before nobody knows')
  looks(2000)
  t.equal(watched.isTooStill(1 / 2, true), false, 'nor yet of this')
  client.bytesAcknowledged += STILL_BYTES
  watched.lookCloser(queues)
  t.equal(watched.isTooStill(1 / 2, true), false, 'it has moved')
  looks(2000)
  watched.lookCloser(queues)
  t.equal(watched.isTooStill(1 / 2, true), true, 'by now it is known to stand still')
})

t.test('who owes nothing is not cut, and his grace begins when he does', async t => {
  const { clock, client } = oneWaits(t, CAPACITY / 2, undefined)
  clock.tick(20_000)
  client.owes = 'sends'
  clock.tick(LEAST_GRACE_MS - 1)
  t.equal(client.cuts, 0)
  clock.tick(2 * LOOK_EVERY_MS)
  t.equal(client.cuts, 1)
})

t.test('one who was cut and does not come free is not waited for beyond a grace', async t => {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  const [holding, other] = [
    new Client(budget, CAPACITY / 2, 'sends'),
    new Client(budget, CAPACITY / 2, 'sends'),
  ]
  holding.releases = false
  budget.acquire(CAPACITY / 2).catch(() => {})
  clock.tick(LEAST_GRACE_MS + LOOK_EVERY_MS)
  t.same([holding.cuts, other.cuts], [1, 0])
  clock.tick(GRACE_MS + LOOK_EVERY_MS)
  t.same([holding.cuts, other.cuts], [1, 1])
})

t.test('nobody is cut whose bytes would not be enough for whoever is next', async t => {
  const { clock, client } = oneWaits(t, CAPACITY / 4, 'sends', CAPACITY / 2)
  clock.tick(20_000)
  t.equal(client.cuts, 0)
})

t.test('no more are cut than are in the way, and first who stood still for longest', async t => {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  const clients = Array.from({ length: 4 }, () => new Client(budget, CAPACITY / 4, 'sends'))
  void budget.acquire(CAPACITY / 2)
  clock.tick(500)
  for (const at of [0, 2]) (clients[at] as Client).bytesMoved += STILL_BYTES
  clock.tick(20_000)
  t.same(
    clients.map(({ cuts }) => cuts),
    [0, 1, 0, 1],
  )
  t.equal(budget.waiting, 0)
  t.equal(clock.pending, 0, 'nobody looks any more')
})

t.test('who holds twice of the same is cut once', async t => {
  const { clock, client } = oneWaits(t, CAPACITY / 2, 'sends', CAPACITY / 2 + 5)
  client.overflow = client.reservation
  client.releases = false
  clock.tick(LEAST_GRACE_MS + LOOK_EVERY_MS)
  t.equal(client.cuts, 1)
})

t.test('who was halted is let go on by the cut of who stands still', async t => {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  const returns = budget.charge(CAPACITY / 2)
  const loan = budget.loanOf(returns, () => {})
  loan.lend(0)
  const client = new Client(budget, budget.available, 'sends')
  loan.claim(1, 1)
  t.equal(budget.halted, 1)
  clock.tick(LEAST_GRACE_MS + LOOK_EVERY_MS)
  t.equal(client.cuts, 1)
  t.equal(budget.halted, 0)
})

t.test('while nobody waits nobody looks', async t => {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: CAPACITY })
  const client = new Client(budget, CAPACITY, 'sends')
  t.equal(clock.pending, 0)
  clock.tick(20_000)
  t.equal(client.cuts, 0)
})
