import t from 'tap'
import { ByteBudget, type Reservation } from '../../packages/core/src/index.ts'
import { Admission } from '../simulation/admission.ts'
import { Durations } from '../simulation/durations.ts'
import { IndexedHeap } from '../simulation/indexed-heap.ts'
import { Leastconn } from '../simulation/leastconn.ts'
import { type PolicyName, policies } from '../simulation/policies.ts'
import { Request } from '../simulation/request.ts'
import { SharedService } from '../simulation/shared-service.ts'
import { type Cell, simulate } from '../simulation/simulate.ts'
import { meansOf, sizes } from '../simulation/sizes.ts'
import { world } from '../simulation/world.ts'
import { Random } from '../soak/random.ts'
import { percentile } from '../statistics.ts'

const cell: Cell = {
  mix: 'cdn',
  policy: 'leastconn 40',
  pods: 1,
  proxies: 1,
  load: 0.7,
  agentSeconds: 0.5,
  warmUp: 10,
  seconds: 300,
  seed: 1,
}
const names = Object.keys(policies) as PolicyName[]

t.test('a pod that nobody limits is Erlang’s queue of as many servers as links fill it', async t => {
  const { bytes } = meansOf('cdn')
  const servers = world.bytesPerSecond / world.linkBytesPerSecond
  // Shared service does not ask how sizes are distributed: a mean is that of M/M/c.
  const linkSeconds = bytes / world.linkBytesPerSecond
  for (const load of [0.3, 0.7]) {
    const { all } = simulate({ ...cell, load }, bytes)
    const expected = linkSeconds * (1 + erlangC(servers, load * servers) / (servers * (1 - load)))
    t.ok(Math.abs(all.mean / expected - 1) < 0.02, `${load}: ${all.mean} s of ${expected} s`)
  }
})

t.test('one bandwidth that all share: the mean of M/G/1, whose service is shared', async t => {
  const random = new Random(7)
  const service = new SharedService<number>(1, 1)
  const durations: number[] = []
  let arrivesAt = 0
  while (durations.length < 400_000) {
    if (service.nextAt < arrivesAt) {
      const now = service.nextAt
      durations.push(now - service.finish(now))
    } else {
      // Of mean 1, and of a variance of 3: hyperexponential, so that first come, first served would be dearer.
      const mean = random.chance(0.5 + Math.SQRT1_2 / 2) ? 1 / (1 + Math.SQRT1_2) : 1 / (1 - Math.SQRT1_2)
      service.add(arrivesAt, -mean * Math.log(1 - random.next()), arrivesAt)
      arrivesAt -= 2 * Math.log(1 - random.next())
    }
  }
  const mean = durations.reduce((sum, seconds) => sum + seconds, 0) / durations.length
  t.ok(Math.abs(mean - 2) < 0.04, `${mean}`)
})

t.test('whoever comes is answered, refused, lost or still there', async t => {
  for (const policy of names) {
    const tally = simulate(
      { ...cell, policy, mix: 'uploads', pods: 4, proxies: 3, load: 1.6, seconds: 200 },
      meansOf('uploads').bytes,
    )
    const { answered, refused, lost } = tally.ended
    t.equal(answered + refused + lost + tally.inside, tally.offered, policy)
    t.ok(refused + lost > 0, policy)
    t.ok(tally.peaks.most <= world.roomBytes || tally.kills > 0, policy)
    if (policies[policy].governed) t.equal(tally.kills, 0, policy)
  }
})

t.test('the same seed, the same figures', async t => {
  for (const policy of names) {
    const run = (seed: number) =>
      simulate({ ...cell, policy, pods: 3, proxies: 2, seconds: 12, seed }, 33_000)
    t.strictSame(run(1), run(1), policy)
    t.notSame(run(1), run(2), policy)
  }
})

t.test('who is admitted, and in which order, is what a ByteBudget does', async t => {
  const capacity = 32 * 2 ** 20
  const [lane, limit] = [2 ** 18, 12]
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = new Random(seed)
    const admission = new Admission({ capacity, lane, limit })
    const budget = new ByteBudget({
      capacity,
      queue: { limit, lane, passBytes: capacity, timeoutMs: 600_000 },
    })
    const ours: number[] = []
    const theirs: number[] = []
    const holders: { request: Request; reservation: Promise<Reservation>; abort: AbortController }[] = []
    for (let step = 0; step < 4_000; step++) {
      if (random.chance(0.55) || holders.length === 0) {
        const request = new Request(step, random.magnitude(1024, 16 * 2 ** 20), 0)
        const abort = new AbortController()
        const reservation = budget.acquire(request.bytes, { signal: abort.signal })
        reservation.then(
          () => theirs.push(step),
          () => {},
        )
        const entered = admission.enter(request)
        if (entered === 'admitted') ours.push(step)
        if (entered === 'refused') await t.rejects(reservation, { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
        else {
          request.waitsSince = entered === 'waits' ? step : -1
          holders.push({ request, reservation, abort })
        }
      } else {
        const [{ request, reservation, abort }] = holders.splice(
          Math.floor(random.next() * holders.length),
          1,
        ) as [(typeof holders)[number]]
        if (request.waitsSince === -1) {
          admission.release(request)
          ;(await reservation).release()
        } else {
          admission.leave(request)
          abort.abort()
        }
        for (let next = admission.next(); next !== undefined; next = admission.next()) {
          next.waitsSince = -1
          ours.push(next.arrivedAt)
        }
      }
      await undefined
      await undefined
      if (ours.length !== theirs.length || admission.reserved !== budget.reserved + budget.lane.reserved)
        break
    }
    t.strictSame(ours, theirs, `seed ${seed}`)
    t.equal(admission.reserved, budget.reserved + budget.lane.reserved)
    t.equal(admission.waiting, budget.waiting)
    t.ok(ours.length > 1_500, `${ours.length}`)
    for (const { abort, request, reservation } of holders) {
      abort.abort()
      if (request.waitsSince === -1) (await reservation).release()
    }
  }
})

t.test('a heap knows who has the least key, whatever becomes of keys', async t => {
  const random = new Random(3)
  const heap = new IndexedHeap(40)
  const naive = new Map<number, number>()
  for (let step = 0; step < 20_000; step++) {
    const id = Math.floor(random.next() * 40)
    if (random.chance(0.3)) {
      heap.delete(id)
      naive.delete(id)
    } else {
      const key = Math.floor(random.next() * 1000) + id / 1000
      heap.set(id, key)
      naive.set(id, key)
    }
    const [first, key] = [...naive].sort((a, b) => a[1] - b[1])[0] ?? [-1, Number.POSITIVE_INFINITY]
    if (heap.first !== first || heap.firstKey !== key || heap.length !== naive.size)
      throw new Error(`step ${step}`)
  }
  t.pass()
})

t.test('leastconn sends by weight, and nothing to who is full or down', async t => {
  const leastconn = new Leastconn(3, 100, true, new Random(1))
  leastconn.told(0, { freeBytes: 0, weight: 50, maxconn: 100 })
  leastconn.told(2, { freeBytes: 0, weight: 100, maxconn: 5 })
  const counts = [0, 0, 0]
  for (let i = 0; i < 95; i++) {
    const request = new Request(i, 1, 0)
    request.pod = leastconn.choose()
    counts[request.pod] = (counts[request.pod] ?? 0) + 1
    leastconn.sent(request)
  }
  t.strictSame(counts, [30, 60, 5])
  leastconn.changed(0, false)
  leastconn.changed(1, false)
  t.equal(leastconn.choose(), -1)
})

t.test('sizes are those of their sources', async t => {
  const draws = (mix: keyof typeof sizes) => {
    const random = new Random(1)
    return Array.from({ length: 200_000 }, () => sizes[mix].draw(random))
  }
  const surge = draws('surge')
  // Of the lognormal body a part of 0.032 would be in the tail.
  const large = surge.filter(bytes => bytes >= 133_000).length / surge.length
  t.ok(Math.abs(large - 0.032) < 0.002, `${large}`)
  t.ok(Math.abs(percentile(surge, 50) / Math.exp(9.357) - 1) < 0.02)
  const uploads = draws('uploads')
  const tail = uploads.filter(bytes => bytes >= 133_000)
  t.ok(Math.abs(tail.length / uploads.length - 0.5) < 0.005, `${tail.length}`)
  // Three of four in a Pareto tail of this shape are below 4 ** (1 / 1.1) times its least.
  t.ok(Math.abs(percentile(tail, 75) / (133_000 * 4 ** (1 / 1.1)) - 1) < 0.03)
  t.ok(uploads.every(bytes => bytes <= 16 * 2 ** 20))
  const cdn = draws('cdn')
  for (const [percent, bytes] of [
    [50, 13_343],
    [90, 77_631],
    [99, 274_239],
  ] as const) {
    t.ok(Math.abs(percentile(cdn, percent) / bytes - 1) < 0.03, `${percent}`)
  }
})

t.test('a percentile of durations is right within a hundredth', async t => {
  const random = new Random(2)
  const exact = Array.from({ length: 10_000 }, () => random.magnitude(1, 100_000) / 1000)
  const durations = new Durations()
  for (const seconds of exact) durations.add(seconds)
  for (const percent of [1, 50, 99, 100]) {
    t.ok(Math.abs(durations.percentile(percent) / percentile(exact, percent) - 1) < 0.011, `${percent}`)
  }
  t.ok(Number.isNaN(new Durations().percentile(99)))
})

function erlangC(servers: number, offered: number): number {
  let term = 1
  let sum = 0
  for (let n = 0; n < servers; n++) {
    sum += term
    term *= offered / (n + 1)
  }
  const waits = term / (1 - offered / servers)
  return waits / (sum + waits)
}
