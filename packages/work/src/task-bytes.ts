import type { RequestReservation, Reservation } from '@plimsoll/core'
import { comeBackLater } from './come-back-later.ts'

interface Waiter {
  readonly bytes: number
  readonly resolve: (has: boolean) => void
  readonly reject: (error: unknown) => void
}

/**
 * What the tasks of one call hold, in one piece of their request's reservation. A task that finds no room waits for
 * another one of its call to end, and never for anybody else; what the call has had it keeps for the next task, so that
 * one that has begun is not refused halfway.
 */
export class TaskBytes {
  readonly #reservation: RequestReservation
  readonly #waiting: Waiter[] = []
  #piece: Reservation | undefined
  #inUse = 0

  constructor(reservation: RequestReservation) {
    this.#reservation = reservation
  }

  /**
   * Takes so many for a task that begins; false where the call has ended before it got them.
   *
   * @throws `ERR_PLIMSOLL_NO_ROOM` where there is none, and no task of the call that could make any
   */
  async take(bytes: number): Promise<boolean> {
    if (this.#waiting.length === 0 && this.#tryTake(bytes)) return true
    if (this.#inUse === 0) throw noRoom(bytes)
    return new Promise((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }))
  }

  /** Gives back what a task has taken that is over. */
  give(bytes: number): void {
    this.#inUse -= bytes
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#tryTake(next.bytes)) next.resolve(true)
      else if (this.#inUse === 0) next.reject(noRoom(next.bytes))
      else return
      this.#waiting.shift()
    }
  }

  /** The call has ended: no task begins any more, and what none has in use is given back. Any number of calls. */
  end(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(false)
    if (this.#inUse === 0) this.#piece?.release()
    else this.#piece?.shrink(this.#inUse)
  }

  #tryTake(bytes: number): boolean {
    // It goes where its request waits for bytes again.
    if (this.#piece?.released !== false) this.#piece = this.#reservation.tryReserve(0)
    if (this.#piece === undefined) return false
    const lacks = this.#inUse + bytes - this.#piece.bytes
    if (lacks > 0 && !this.#piece.tryGrow(lacks)) return false
    this.#inUse += bytes
    return true
  }
}

function noRoom(bytes: number): Error {
  return comeBackLater('ERR_PLIMSOLL_NO_ROOM', 'There is no room for this request now', { bytes })
}
