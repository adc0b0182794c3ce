import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { observedChannel } from '../src/diagnostics.ts'
import { PlimsollError } from '../src/errors.ts'
import { GovernedRequest } from '../src/governed-request.ts'
import { Observer } from '../src/observer.ts'
import { type Price, priceOf } from '../src/price.ts'
import { RouteMeasures } from '../src/route-measures.ts'
import { type RoutePolicy, resolvePolicy } from '../src/route-policy.ts'
import type { ShareOptions } from '../src/shares.ts'
import type { Twin } from '../src/twin.ts'
import { LEAST_GRACE_MS } from '../src/watched.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { promisesSettled } from './fixtures/settled.ts'

const KEEPER = {
  waiting: new Set<GovernedRequest>(),
  working: new Set<GovernedRequest>(),
  released() {},
  requeueRefused() {},
  streams() {},
  cutOff() {},
}

/** Observed requests as a governor leads them, without a server. */
class Rehearsed {
  readonly budget: ByteBudget
  readonly observer: Observer
  readonly logger = recordingLogger()
  readonly row = new RouteMeasures('POST /a', 0)

  constructor(capacity: number, share?: ShareOptions, queue = {}) {
    this.budget = new ByteBudget({ capacity, queue })
    this.observer = new Observer(this.budget, share, this.logger, () => {})
  }

  begin(bytes: number, declare?: () => Price): GovernedRequest {
    const request = this.ask(bytes)
    request.row = this.row
    return this.pass(request, declare)
  }

  pass(request: GovernedRequest, declare = () => this.#price(request)): GovernedRequest {
    request.pass(this.observer, this.observer.begin(request, declare, declare))
    return request
  }

  /** Of a route that is not known yet. */
  ask(bytes: number): GovernedRequest {
    const socket = { remoteAddress: '127.0.0.1' }
    const req = anyValue<GovernedRequest['req']>({
      socket,
      method: 'POST',
      url: '/a',
      headers: {},
      rawHeaders: ['Content-Length', String(bytes)],
      httpVersionMajor: 1,
      listenerCount: () => 1,
    })
    const res = anyValue<GovernedRequest['res']>({ socket, writableLength: 0 })
    const request = new GovernedRequest(req, res, this.budget, undefined, KEEPER)
    request.declared = bytes
    return request
  }

  #price({ req, declared }: GovernedRequest): Price {
    return priceOf(req, declared, resolvePolicy({}), this.budget.configuredCapacity)
  }

  /** It has held its bytes for so long. */
  end(request: GovernedRequest, heldMs: number): void {
    request.leave()
    this.observer.over(request.twin as never, this.row, heldMs)
  }
}

function setUp(t: Pick<Test, 'teardown'>, ...args: ConstructorParameters<typeof Rehearsed>) {
  const clock = new FakeClock(t)
  return { clock, rehearsed: new Rehearsed(...args) }
}

t.test(
  'who would have waited is told for how long, and holds from then on for as long as it did',
  async t => {
    const { clock, rehearsed } = setUp(t, 100)
    const { budget, observer, row } = rehearsed
    const one = rehearsed.begin(60)
    const other = rehearsed.begin(60)
    t.equal(budget.reserved, 120, 'both hold theirs')
    t.match(observer.stats(), { waiting: 1, queued: 1 })
    clock.tick(1000)
    rehearsed.end(one, 1000)
    rehearsed.end(other, 1000)
    await promisesSettled()
    t.equal(budget.reserved, 0)
    t.equal(row.waitedMs.spread().max, 1000)
    clock.tick(500)
    const third = rehearsed.begin(60)
    t.match(observer.stats(), { waiting: 1, queued: 2 }, 'the other would still be at it')
    clock.tick(500)
    await promisesSettled()
    t.match(observer.stats(), { waiting: 0, queued: 2 })
    const { p50 } = row.waitedMs.spread()
    t.ok(Math.abs(p50 - 500) < 500 / 16, `${p50} ms`)
    rehearsed.end(third, 100)
    await promisesSettled()
    clock.tick(500)
    const fourth = rehearsed.begin(100)
    t.match(observer.stats(), { waiting: 0, queued: 2 }, 'all is free again')
    rehearsed.end(fourth, 1)
  },
)

t.test('who is over before its turn holds for as long as it did when that has come', async t => {
  const { clock, rehearsed } = setUp(t, 100)
  const one = rehearsed.begin(60)
  const other = rehearsed.begin(60)
  clock.tick(100)
  rehearsed.end(other, 100)
  clock.tick(100)
  rehearsed.end(one, 200)
  await promisesSettled()
  const third = rehearsed.begin(60)
  t.equal(rehearsed.observer.stats().waiting, 1)
  clock.tick(100)
  await promisesSettled()
  t.equal(rehearsed.observer.stats().waiting, 0)
  rehearsed.end(third, 1)
})

t.test(
  'a queue that would have been full, and one that would have taken too long, are told apart',
  async t => {
    const { clock, rehearsed } = setUp(t, 100, undefined, { limit: 1, timeoutMs: 1000 })
    const all = [rehearsed.begin(60), rehearsed.begin(60), rehearsed.begin(60)]
    t.same(rehearsed.observer.stats().refused, { ERR_PLIMSOLL_QUEUE_FULL: 1 })
    clock.tick(1000)
    await promisesSettled()
    const refused = { ERR_PLIMSOLL_QUEUE_FULL: 1, ERR_PLIMSOLL_QUEUE_TIMEOUT: 1 }
    t.same(rehearsed.observer.stats().refused, refused)
    t.same(rehearsed.row.refused, refused)
    for (const request of all) rehearsed.end(request, 1000)
  },
)

t.test('a share of one client would have been kept', async t => {
  const { rehearsed } = setUp(t, 100, { key: 'address', over: 'refuse' })
  const all = [rehearsed.begin(20), rehearsed.begin(20)]
  t.same(rehearsed.observer.stats().refused, { ERR_PLIMSOLL_OVER_SHARE: 1 })
  for (const request of all) rehearsed.end(request, 1)
})

t.test('a client that stands still while others would wait would have been cut, and is not', async t => {
  const { clock, rehearsed } = setUp(t, 100)
  const one = rehearsed.begin(60)
  const cut = { wasCut: false }
  one.reader = anyValue({
    total: 50,
    held: 50,
    complete: false,
    owed: true,
    refuse: () => (cut.wasCut = true),
  })
  Object.assign(one.twin as object, { reader: one.reader })
  const other = rehearsed.begin(60)
  clock.tick(LEAST_GRACE_MS + 200)
  await promisesSettled()
  t.same(rehearsed.observer.stats().refused, { ERR_PLIMSOLL_TOO_SLOW: 1 })
  t.equal(rehearsed.observer.stats().waiting, 0, 'the other would have its turn')
  t.notOk(cut.wasCut)
  t.equal(rehearsed.budget.reserved, 120)
  for (const request of [one, other]) rehearsed.end(request, 1)
})

t.test('what a slow sender would have lent is lent in the rehearsal alone', async t => {
  const MIB = 2 ** 20
  const { clock, rehearsed } = setUp(t, 2 * MIB)
  const one = rehearsed.begin(2 * MIB)
  const reader = { total: 1000, held: 1000, complete: false, owed: true }
  one.reader = anyValue(reader)
  Object.assign(one.twin as object, { reader })
  const other = rehearsed.begin(MIB)
  for (let look = 0; look < 5; look++) {
    clock.tick(100)
    reader.total = reader.held += 5000
    one.payIn(5000)
    await promisesSettled()
  }
  t.match(rehearsed.observer.stats(), { waiting: 0, queued: 1, refused: {} }, 'it would have been let in')
  t.equal(rehearsed.budget.lent, 0)
  // All of it comes at once: it would have been halted, and is not.
  reader.total = reader.held = 2 * MIB
  one.payIn(2 * MIB - 26_000)
  t.equal(one.bytes, 2 * MIB)
  for (const request of [one, other]) rehearsed.end(request, 1)
  await promisesSettled()
  clock.tick(10_000)
  const whole = rehearsed.begin(2 * MIB)
  t.equal(rehearsed.observer.stats().waiting, 0, 'nothing is left of it')
  rehearsed.end(whole, 1)
})

t.test('a budget that is resized is rehearsed as it is', async t => {
  const { rehearsed } = setUp(t, 100)
  rehearsed.budget.resize(50)
  const one = rehearsed.begin(60)
  t.match(rehearsed.observer.stats(), { queued: 1, refused: {} })
  rehearsed.end(one, 1)
  rehearsed.budget.resize(100)
  const other = rehearsed.begin(30)
  await promisesSettled()
  t.equal(rehearsed.observer.stats().waiting, 0)
  rehearsed.end(other, 1)
})

const closed = (): never => {
  throw new PlimsollError('ERR_PLIMSOLL_CLOSED', 'The server is closing')
}

t.test(
  'what would have become of a request before its route was known is told of the route later',
  async t => {
    const { rehearsed } = setUp(t, 100, undefined, { limit: 1 })
    const { row, observer } = rehearsed
    const all = [60, 60, 60].map(bytes => rehearsed.pass(rehearsed.ask(bytes)))
    t.match(observer.stats(), { queued: 1, refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 } })
    t.match(row, { queued: 0, refused: {} })
    for (const request of all) rehearsed.end(request, 1)
    t.match(row, { queued: 1, refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 } })
    const lost = rehearsed.pass(rehearsed.ask(1000), closed)
    lost.leave()
    observer.over(lost.twin as never, undefined, 1)
    t.match(observer.stats(), { refused: { ERR_PLIMSOLL_CLOSED: 1 } }, 'one that found no route counts, too')
  },
)

t.test('a request that would have been refused by its head holds its body as it comes', async t => {
  const { rehearsed } = setUp(t, 100)
  const one = rehearsed.begin(5000, closed)
  t.match(one.price, { bytes: 5000, hasBody: true, limit: Number.POSITIVE_INFINITY })
  t.equal(rehearsed.budget.reserved, 5000)
  const other = rehearsed.begin(0, closed)
  t.match(other.price, { bytes: 0, hasBody: false })
  const unknown = rehearsed.ask(0)
  unknown.declared = undefined
  t.match(rehearsed.pass(unknown, closed).price, { bytes: 0, hasBody: true, limit: Number.POSITIVE_INFINITY })
  t.equal(rehearsed.budget.reserved, 5000)
  t.same(rehearsed.observer.stats().refused, { ERR_PLIMSOLL_CLOSED: 3 })
  for (const request of [one, other, unknown]) rehearsed.end(request, 1)
  t.equal(rehearsed.budget.reserved, 0)
})

t.test('a later admission changes what it costs, and would have bounded what is still to come', async t => {
  const { rehearsed } = setUp(t, 100)
  const { budget, observer } = rehearsed
  const one = rehearsed.begin(60)
  const later = (policy: RoutePolicy) => () => priceOf(one.req, 60, resolvePolicy(policy), 100)
  const twin = one.twin as Twin
  observer.adjust(one, twin, later({ cost: 20 }))
  t.equal(budget.reserved, 20)
  t.same(observer.stats().refused, {})
  observer.adjust(one, twin, later({ maxBody: 10 }))
  t.same(observer.stats().refused, { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 })
  t.equal(budget.reserved, 20, 'and it goes on')
  rehearsed.end(one, 1)
})

t.test('what it costs later, and did so before its turn, it would have cost from its turn on', async t => {
  const { rehearsed } = setUp(t, 100)
  const { observer } = rehearsed
  const one = rehearsed.begin(60)
  const other = rehearsed.begin(60)
  observer.adjust(other, other.twin as Twin, () => priceOf(other.req, 60, resolvePolicy({ cost: 20 }), 100))
  rehearsed.end(one, 1)
  await promisesSettled()
  t.equal(other.twin?.bytes, 20)
  rehearsed.end(other, 1)
})

t.test('who listens is told of each that would have waited or been refused', async t => {
  const { clock, rehearsed } = setUp(t, 100, undefined, { limit: 1 })
  const told: unknown[] = []
  const listen = (message: unknown): void => void told.push(message)
  observedChannel.subscribe(listen)
  t.teardown(() => observedChannel.unsubscribe(listen))
  const all = [rehearsed.begin(60), rehearsed.begin(60), rehearsed.begin(60)]
  const [one, other, refused] = all
  t.match(told, [{ request: refused?.req, waitedMs: 0, error: { code: 'ERR_PLIMSOLL_QUEUE_FULL' } }])
  clock.tick(1000)
  rehearsed.end(one as GovernedRequest, 1000)
  await promisesSettled()
  t.match(told[1], { request: other?.req, waitedMs: 1000, error: undefined })
  t.equal(told.length, 2)
  for (const request of all.slice(1)) rehearsed.end(request, 1)
})

t.test('what would have been refused is logged as that', async t => {
  const { rehearsed } = setUp(t, 100)
  const { logger, observer } = rehearsed
  rehearsed.end(rehearsed.begin(10, closed), 1)
  observer.connectionOver(5)
  observer.flush()
  t.equal(observer.stats().connectionsOver, 1)
  t.ok(logger.lines.length > 0)
  for (const { message } of logger.lines) t.match(message, /would have refused/)
})
