import type { Socket } from 'node:net'
import { type Ends, KernelQueues } from './kernel-queues.ts'
import { memoryUse } from './memory-use.ts'
import { bytesTaken } from './outflow.ts'
import type { BudgetReservation } from './reservation.ts'
import { resetSocket } from './reset-socket.ts'
import type { Holder, Watched } from './watched.ts'

/** So much of a response the kernel may still have for nothing: whoever reads at all takes that at once. */
export const SENT_FREE = 64 * 1024
/** How often it looks at what has departed. */
export const LOOK_EVERY_MS = 50
/** The container's counter is asked no more often, however many want to come in. */
const ASK_EVERY_MS = 5
/** What looking may take of the time where there is such a counter, and where there is none. */
const PART_OF_TIME = 1 / 50
const PART_WITHOUT_COUNTER = 1 / 20
/** The same where somebody wants to know what is reserved now, and a look takes no longer than this. */
const PART_FOR_WHO_ASKS = 1 / 2
const CHEAP_MS = 1

/** Who has an eye on those who hold bytes. */
interface Watcher {
  watch(holder: Holder): Watched
  unwatch(watched: Watched): void
}

/**
 * What the kernel still has of large responses. It takes megabytes of each at once, and Node has done with them then; but
 * they are memory of ours until their clients have acknowledged them: of 5,000 clients that asked for 1 MiB each, 64 MiB
 * at a time, it had 1,089 MiB (bench/survival). Who takes none of it while others wait is cut like any other reader.
 *
 * Of whom it has how much `/proc/net/tcp` tells; that takes 30 ms where 5,000 are connected. So in between the sum of
 * all follows what the sockets of the container hold, which is a counter.
 */
export class Departures {
  readonly #watcher: Watcher
  readonly #queues: KernelQueues
  readonly #inSockets: () => number | undefined
  readonly #all = new Set<Departed>()
  #timer: NodeJS.Timeout | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  /** @param inSockets bytes that all sockets of the container hold; undefined where nobody tells */
  constructor(watcher: Watcher, queues = new KernelQueues(), inSockets = () => memoryUse().inSockets()) {
    this.#watcher = watcher
    this.#queues = queues
    this.#inSockets = inSockets
  }

  /**
   * Keeps of `reservation` what was sent, until that is acknowledged.
   *
   * @param over told then
   * @returns false where it is by now, or nobody could tell when
   */
  add(socket: Socket, reservation: BudgetReservation, sent: number, over = () => {}): boolean {
    const told = this.#queues.refresh(PART_OF_TIME)
    if (!this.#queues.exist || socket.remotePort === undefined) return false
    // Most have been taken by now.
    if (told && (this.#queues.unacknowledged(socket) ?? 0) <= SENT_FREE) return false
    reservation.shrink(Math.min(sent, reservation.bytes))
    const departed = new Departed(socket, reservation, () => {
      this.#all.delete(departed)
      this.#watcher.unwatch(watched)
      over()
    })
    const watched = this.#watcher.watch(departed)
    this.#all.add(departed)
    this.#arm()
    return true
  }

  /** Gives back what is acknowledged by now, unless it was looked at just now. */
  settle(): void {
    const now = performance.now()
    if (this.#all.size === 0 || now < this.#askedAt + ASK_EVERY_MS) return
    this.#askedAt = now
    const inSockets = this.#inSockets()
    if (inSockets !== undefined) this.#fitInto(inSockets)
    if (this.#queues.refresh(inSockets === undefined ? PART_WITHOUT_COUNTER : PART_OF_TIME))
      for (const departed of this.#all) departed.follow(this.#queues)
    else if (!this.#queues.exist) for (const departed of this.#all) departed.release()
  }

  /** The same for who asks what is reserved. */
  settleNow(): void {
    if (this.#all.size === 0) return
    if (this.#queues.refresh(this.#queues.tookMs < CHEAP_MS ? PART_FOR_WHO_ASKS : PART_OF_TIME))
      for (const departed of this.#all) departed.follow(this.#queues)
  }

  /** They can't have more than that: each gives back its part of what is too much, until it is known whose it was. */
  #fitInto(bytes: number): void {
    let all = 0
    for (const { reservation } of this.#all) all += reservation.bytes
    if (all > bytes)
      for (const { reservation } of this.#all)
        reservation.shrink(Math.floor(reservation.bytes * (bytes / all)))
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.settle()
      if (this.#all.size > 0) this.#arm()
    }, LOOK_EVERY_MS).unref()
  }
}

/** A response that Node has done with. */
class Departed implements Holder {
  readonly reservation: BudgetReservation
  readonly overflow = undefined
  readonly #socket: Socket
  /** Kept, since a socket that is closed forgets them. */
  readonly #ends: Ends
  readonly #sent: number
  /** What its connection had taken by then: of what it takes later, of the next responses, nothing is of this one. */
  readonly #until: number
  /** So much of later ones it has taken. */
  #later = 0
  #left = 0
  #moved = 0
  readonly #onOver: () => void

  constructor(socket: Socket, reservation: BudgetReservation, onOver: () => void) {
    const { localAddress, localPort, remoteAddress, remotePort } = socket
    this.#socket = socket
    this.#ends = { localAddress, localPort, remoteAddress, remotePort }
    this.reservation = reservation
    this.#sent = reservation.bytes
    this.#until = bytesTaken(socket, undefined)
    this.#onOver = onOver
  }

  follow(queues: KernelQueues): void {
    const all = this.#leftIn(queues) ?? 0
    this.#moved += Math.max(0, this.#left - all)
    this.#left = all
    // What is beyond its own is of the responses before.
    const left = Math.min(this.#sent, all)
    if (left <= SENT_FREE) this.release()
    else if (left < this.reservation.bytes) this.reservation.shrink(left)
    // It had given back what was somebody else's.
    else this.reservation.charge(left - this.reservation.bytes)
  }

  release(): void {
    this.#onOver()
    this.reservation.release()
  }

  moved(): number {
    return this.#moved
  }

  owed(): 'takes' {
    return 'takes'
  }

  acknowledged(queues: KernelQueues): number | undefined {
    const left = this.#leftIn(queues)
    return left === undefined ? undefined : this.#sent - left
  }

  /** Of this response, and of those before. */
  #leftIn(queues: KernelQueues): number | undefined {
    const unacknowledged = queues.unacknowledged(this.#ends)
    if (unacknowledged === undefined) return undefined
    // A socket that is closed takes no more, and tells nothing.
    this.#later = Math.max(this.#later, bytesTaken(this.#socket, undefined) - this.#until)
    return Math.max(0, unacknowledged - this.#later)
  }

  needed(): undefined {}

  lend(): void {}

  dropGuess(): void {}

  /** With a reset the kernel drops what it has; of a socket that was closed it knows itself when. */
  cut(): void {
    resetSocket(this.#socket)
    this.release()
  }
}
