import type { Socket } from 'node:net'
import { Account } from './account.ts'
import { beyondAllowance } from './allowance.ts'
import { type Ends, KernelQueues } from './kernel-queues.ts'
import { memoryUse } from './memory-use.ts'
import { bytesTaken } from './outflow.ts'
import { BudgetReservation } from './reservation.ts'
import { resetSocket } from './reset-socket.ts'
import type { Holder, Watched } from './watched.ts'

/** So much of a response the kernel may have uncounted: whoever reads at all takes that at once. */
export const SENT_FREE = 64 * 1024
/** Part of the capacity that the kernel may have of all of them for nothing. */
const FREE_PART = 1 / 8
/** No more is counted of a connection until it was looked at: the send buffer, by `net.ipv4.tcp_wmem` of all distributions. */
export const MOST_OF_ONE = 4 * 2 ** 20
/** How often it looks at what has departed, as long as anything has. */
export const LOOK_EVERY_MS = 50
/** No more often than this, however many want to come in. */
const LEAST_APART_MS = 5
/** What looking may take of the time; and where newcomers find less room, and the container does not count what is in sockets. */
const PART_OF_TIME = 1 / 50
const PART_WITHOUT_COUNTER = 1 / 20

/** Who has an eye on those who hold bytes. */
interface Watcher {
  watch(holder: Holder): Watched
  unwatch(watched: Watched): void
}

/** Where what is asked is told. */
export interface Sources {
  readonly queues: Pick<KernelQueues, 'exist' | 'refresh' | 'unacknowledged'>
  /** Bytes that all sockets of the container hold; undefined where nobody counts them. */
  readonly inSockets: () => number | undefined
}

/**
 * What the kernel still has of large responses that are over. It takes megabytes of each at once, and Node has done with
 * them then; but they are memory of ours until their clients have acknowledged them: of 5,000 clients that asked for
 * 1 MiB each it had 1,100 MiB behind a budget of 64 MiB (bench/survival).
 *
 * Nobody has them reserved. But what is beyond an allowance newcomers find taken, until it has gone; who is in already does
 * not, since finishing frees bytes. Who takes nothing of it while others wait is cut like any other reader.
 *
 * `/proc/net/tcp` tells what is left of whom, in 30 ms where 5,000 are connected. So between two looks at it the sum
 * follows a counter: it can't be more than all sockets of the container hold.
 */
export class Departures {
  /** Others in tests. */
  sources: Sources = { queues: new KernelQueues(), inSockets: () => memoryUse().inSockets() }
  readonly #main: Account
  readonly #watcher: Watcher
  readonly #account: Account
  readonly #all = new Map<Socket, Departed>()
  /** So much of what is counted has gone, nobody knows yet whose. */
  #gone = 0
  #timer: NodeJS.Timeout | undefined
  #lookedAt = Number.NEGATIVE_INFINITY

  /**
   * @param main where newcomers find less room
   * @param lacking how many bytes whoever is next there lacks, of newcomers
   */
  constructor(main: Account, lacking: () => number, watcher: Watcher) {
    this.#main = main
    this.#watcher = watcher
    this.#account = new Account(main.capacity, {
      freed: () => this.#tell(),
      shortage: () => Math.min(lacking(), main.departed),
    })
  }

  /** Bytes, as of the last look. */
  get bytes(): number {
    return this.#account.promised - this.#gone
  }

  /** The capacity has changed. */
  resize(): void {
    this.#account.capacity = this.#main.capacity
    this.#count()
  }

  /** A response that has sent so much on `socket` is over. To be called before what it has reserved is given back. */
  add(socket: Socket, bytes: number): void {
    if (!this.sources.queues.exist || socket.remotePort === undefined) return
    let departed = this.#all.get(socket)
    if (departed === undefined) {
      departed = new Departed(socket, this.#account, this.#watcher, () => this.#all.delete(socket))
      this.#all.set(socket, departed)
    }
    departed.add(bytes)
    this.#count()
    if (this.#main.departed > 0) this.settle()
    this.#arm()
  }

  /** Has a look at what is left, unless it had one just now. */
  settle(): void {
    const now = performance.now()
    if (this.#all.size === 0 || now < this.#lookedAt + LEAST_APART_MS) return
    this.#lookedAt = now
    const { queues, inSockets } = this.sources
    const matters = this.#main.departed > 0
    const inAll = matters ? inSockets() : undefined
    if (queues.refresh(matters && inAll === undefined ? PART_WITHOUT_COUNTER : PART_OF_TIME)) {
      this.#gone = 0
      for (const departed of this.#all.values()) departed.follow(queues)
    } else if (!queues.exist) for (const departed of this.#all.values()) departed.release()
    if (inAll !== undefined) this.#gone = Math.max(this.#gone, this.#account.promised - inAll)
    this.#tell()
  }

  #count(): void {
    this.#gone = Math.min(this.#gone, this.#account.promised)
    this.#main.departed = beyondAllowance(this.bytes, this.#main.capacity, FREE_PART)
  }

  #tell(): void {
    this.#count()
    this.#main.freed()
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.settle()
      if (this.#all.size > 0) this.#arm()
    }, LOOK_EVERY_MS).unref()
  }
}

/** What the kernel has of the responses of one connection that are over. */
class Departed implements Holder {
  readonly reservation: BudgetReservation
  readonly overflow = undefined
  readonly #socket: Socket
  /** Kept, since a socket that is closed forgets them. */
  readonly #ends: Ends
  readonly #watcher: Watcher
  readonly #watched: Watched
  readonly #onOver: () => void
  /** They have sent no more than this. */
  #most = 0
  /** What the kernel has ever taken of this connection: now, and when the last of them was over. */
  #taken = 0
  #takenThen = 0
  #acknowledged = 0

  constructor(socket: Socket, account: Account, watcher: Watcher, onOver: () => void) {
    const { localAddress, localPort, remoteAddress, remotePort } = socket
    this.#socket = socket
    this.#ends = { localAddress, localPort, remoteAddress, remotePort }
    this.reservation = new BudgetReservation(account, 0)
    this.#watcher = watcher
    this.#watched = watcher.watch(this)
    this.#onOver = onOver
  }

  add(bytes: number): void {
    this.#most = this.reservation.bytes + bytes
    this.#takenThen = this.#takes()
    this.#is(Math.max(this.reservation.bytes, Math.min(this.#most, MOST_OF_ONE)))
  }

  follow(queues: Sources['queues']): void {
    const unacknowledged = queues.unacknowledged(this.#ends) ?? 0
    this.#acknowledged = this.#takes() - unacknowledged
    // What it has taken since is of the next response, which has bytes of its own.
    const left = Math.min(this.#most, unacknowledged - (this.#taken - this.#takenThen))
    if (left > SENT_FREE) this.#is(left)
    else this.release()
  }

  /** Within a look, so nobody is told yet. */
  #is(bytes: number): void {
    this.reservation.charge(bytes - this.reservation.bytes)
  }

  /** A socket that is closed takes no more, and tells nothing. */
  #takes(): number {
    this.#taken = Math.max(this.#taken, bytesTaken(this.#socket, undefined))
    return this.#taken
  }

  release(): void {
    this.#watcher.unwatch(this.#watched)
    this.#onOver()
    this.reservation.release()
  }

  moved(): number {
    return this.#acknowledged
  }

  owed(): 'takes' {
    return 'takes'
  }

  acknowledged(queues: KernelQueues): number | undefined {
    const unacknowledged = queues.unacknowledged(this.#ends)
    return unacknowledged === undefined ? undefined : this.#takes() - unacknowledged
  }

  needed(): undefined {}

  dropGuess(): void {}

  /**
   * With a reset the kernel drops what it has. A socket that is closed can't be reset: from then on nobody waits for what
   * it had, so that those who leave such behind hold up others no longer than any who read nothing.
   */
  cut(): void {
    resetSocket(this.#socket)
    this.release()
  }
}
