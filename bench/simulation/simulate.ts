import { Random } from '../soak/random.ts'
import { readAgent } from './agent.ts'
import { exponential } from './draws.ts'
import { Fifo } from './fifo.ts'
import type { FrontProxy } from './front-proxy.ts'
import { IndexedHeap } from './indexed-heap.ts'
import { Pod } from './pod.ts'
import { type Policy, type PolicyName, policies } from './policies.ts'
import { Request } from './request.ts'
import { type Mix, sizes } from './sizes.ts'
import { Tally } from './tally.ts'
import { world } from './world.ts'

/** One simulation. Times are in seconds. */
export interface Cell {
  readonly mix: Mix
  readonly policy: PolicyName
  readonly pods: number
  readonly proxies: number
  /** Bytes that are asked for, over what all pods can serve. */
  readonly load: number
  /** How old what an agent told may get. */
  readonly agentSeconds: number
  /** Until here nothing is measured. */
  readonly warmUp: number
  readonly seconds: number
  readonly seed: number
}

/**
 * Runs a cell from its first arrival to its end, in the order of time.
 *
 * @param meanBytes of its mix, which makes its rate out of its load
 */
export function simulate(cell: Cell, meanBytes: number): Tally {
  return new Simulation(cell, meanBytes).run()
}

class Simulation {
  readonly #cell: Cell
  readonly #gap: number
  readonly #random: Random
  readonly #pods: readonly Pod[]
  readonly #proxies: readonly FrontProxy[]
  readonly #tally = new Tally()
  /** When each pod serves its next. */
  readonly #finishes: IndexedHeap
  /** All are patient for as long, so these are in the order of time. */
  readonly #patience = new Fifo<{
    readonly until: number
    readonly since: number
    readonly request: Request
  }>()
  readonly #restarts = new Fifo<{ readonly at: number; readonly pod: number }>()
  readonly #listens: boolean
  readonly #readingGap: number
  #readings = 0

  constructor(cell: Cell, meanBytes: number) {
    this.#cell = cell
    this.#gap = meanBytes / (cell.load * cell.pods * world.bytesPerSecond)
    this.#random = new Random(cell.seed)
    const policy: Policy = policies[cell.policy]
    const budget = { capacity: world.budgetBytes, lane: world.laneBytes, limit: world.queueLimit }
    const options = { ...world, budget: policy.governed ? budget : undefined }
    this.#pods = Array.from({ length: cell.pods }, () => new Pod(options))
    const proxies = policy.alone ? 1 : cell.proxies
    const setting = { pods: this.#pods, proxies, random: this.#random }
    this.#proxies = Array.from({ length: proxies }, () => policy.proxy(setting))
    this.#finishes = new IndexedHeap(cell.pods)
    this.#listens = policy.listens === true
    this.#readingGap = cell.agentSeconds / (cell.pods * proxies)
  }

  run(): Tally {
    const { seconds, warmUp } = this.#cell
    let arrivesAt = exponential(this.#random, this.#gap)
    let warm = false
    for (;;) {
      const readsAt = this.#listens ? this.#readings * this.#readingGap : Number.POSITIVE_INFINITY
      const leavesAt = this.#patience.first?.until ?? Number.POSITIVE_INFINITY
      const restartsAt = this.#restarts.first?.at ?? Number.POSITIVE_INFINITY
      const finishesAt = this.#finishes.firstKey
      const now = Math.min(arrivesAt, readsAt, leavesAt, restartsAt, finishesAt)
      if (!warm && now >= warmUp) {
        warm = true
        for (const pod of this.#pods) pod.peakBytes = pod.heldBytes
        this.#tally.begin()
      }
      if (now >= seconds) break
      if (now === finishesAt) this.#finish(now)
      else if (now === arrivesAt) {
        this.#arrive(now)
        arrivesAt = now + exponential(this.#random, this.#gap)
      } else if (now === readsAt) this.#ask(now)
      else if (now === leavesAt) this.#loseHope(now)
      else this.#restart(now)
    }
    this.#tally.end(this.#pods, this.#proxies)
    return this.#tally
  }

  #arrive(now: number): void {
    const { mix } = this.#cell
    const from = Math.floor(this.#random.next() * this.#proxies.length)
    const request = new Request(now, sizes[mix].draw(this.#random), from)
    this.#tally.offered++
    const pod = this.#proxyOf(request).choose(request)
    if (pod === -1) this.#wait(request, now)
    else this.#send(request, pod, now)
  }

  #send(request: Request, pod: number, now: number): void {
    request.pod = pod
    request.waitsSince = -1
    const { [pod]: there } = this.#pods
    const entered = (there as Pod).enter(request, now)
    this.#proxyOf(request).sent(request)
    if (entered === 'refused') {
      this.#tally.refused(request)
      this.#proxyOf(request).left(request)
    } else if (entered === 'waits') this.#wait(request, now)
    else if (entered === 'killed') this.#kill(pod, now)
    else this.#reschedule(pod)
  }

  #finish(now: number): void {
    const pod = this.#finishes.first
    const there = this.#pods[pod] as Pod
    const request = there.finish(now)
    this.#tally.answered(request, now)
    this.#proxyOf(request).left(request)
    this.#grant(pod, now)
    this.#offer(this.#proxyOf(request), pod, now)
  }

  /** To those who wait in the pod. */
  #grant(pod: number, now: number): void {
    const there = this.#pods[pod] as Pod
    for (let granted = there.grant(now); granted !== undefined; granted = there.grant(now)) {
      granted.waitsSince = -1
    }
    this.#reschedule(pod)
  }

  /** To those who wait in a proxy. */
  #offer(proxy: FrontProxy, pod: number, now: number): void {
    for (let next = proxy.next(pod); next !== undefined; next = proxy.next(pod)) this.#send(next, pod, now)
  }

  #wait(request: Request, now: number): void {
    request.waitsSince = now
    request.queued = true
    this.#patience.push({ until: now + world.patience, since: now, request })
  }

  /** Whoever waits for too long gets a 503, unless he has his place by now. */
  #loseHope(now: number): void {
    const late = this.#patience.shift()
    if (late === undefined || late.request.waitsSince !== late.since) return
    const { request } = late
    request.waitsSince = -1
    this.#tally.refused(request)
    // From the queue of his proxy he is dropped when his turn comes.
    if (request.pod === -1) return
    this.#pods[request.pod]?.admission?.leave(request)
    this.#proxyOf(request).left(request)
    this.#grant(request.pod, now)
    this.#offer(this.#proxyOf(request), request.pod, now)
  }

  /** Each proxy asks each pod, one after the other, so that all are as old as that at most. */
  #ask(now: number): void {
    const reading = this.#readings++
    const proxy = this.#proxies[reading % this.#proxies.length] as FrontProxy
    const pod = Math.floor(reading / this.#proxies.length) % this.#pods.length
    proxy.told(pod, readAgent(this.#pods[pod] as Pod, this.#proxies.length))
    this.#offer(proxy, pod, now)
  }

  #kill(pod: number, now: number): void {
    this.#tally.kills++
    for (const lost of (this.#pods[pod] as Pod).kill(now)) {
      this.#tally.lost(lost)
      this.#proxyOf(lost).left(lost)
    }
    for (const proxy of this.#proxies) proxy.changed(pod, false)
    this.#finishes.delete(pod)
    this.#restarts.push({ at: now + world.restart, pod })
  }

  #restart(now: number): void {
    const { pod = -1 } = this.#restarts.shift() ?? {}
    const there = this.#pods[pod] as Pod
    there.up = true
    for (const proxy of this.#proxies) {
      proxy.changed(pod, true)
      this.#offer(proxy, pod, now)
    }
  }

  #reschedule(pod: number): void {
    const { nextAt } = this.#pods[pod] as Pod
    if (nextAt === Number.POSITIVE_INFINITY) this.#finishes.delete(pod)
    else this.#finishes.set(pod, nextAt)
  }

  #proxyOf({ proxy }: Request): FrontProxy {
    return this.#proxies[this.#proxies.length === 1 ? 0 : proxy] as FrontProxy
  }
}
