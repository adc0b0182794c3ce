import { PlimsollError, type RequestReservation, type Reservation } from '@plimsoll/core'
import { comeBackLater } from './come-back-later.ts'

/** What a read may hold its bytes in: its request's, or a reservation that whoever reads releases. */
export type Holdable = RequestReservation | Reservation

/** What one read holds: of a request in a piece of its own, which goes with the request. */
export class HeldBytes {
  readonly #whole: Holdable | undefined
  #part: Reservation | undefined
  #bytes = 0

  /** @param reservation undefined where nothing is to be held */
  constructor(reservation: Holdable | undefined) {
    this.#whole = reservation
  }

  /** @throws `ERR_PLIMSOLL_NO_ROOM`, or `ERR_PLIMSOLL_RELEASED` where there is no reservation any more */
  grow(by: number): void {
    const whole = this.#whole
    if (whole === undefined) return
    this.#part ??= isOfRequest(whole) ? whole.tryReserve(0) : whole
    if (!this.#part?.tryGrow(by)) {
      // Why it is over, where its client has left.
      if (isOfRequest(whole)) whole.signal.throwIfAborted()
      const figures = { bytes: by }
      throw whole.released
        ? new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is over', figures)
        : comeBackLater('ERR_PLIMSOLL_NO_ROOM', 'There is no room for this request now', figures)
    }
    this.#bytes += by
  }

  /** Gives back all above `to`. */
  shrink(to: number): void {
    const less = this.#bytes - to
    this.#bytes = to
    const part = this.#part
    if (part === undefined) return
    // Whose it is may have given them back by itself.
    part.shrink(Math.max(0, part.bytes - less))
    if (part.bytes === 0 && part !== this.#whole) part.release()
  }
}

/** By shape, since it may be another copy's. */
export function isOfRequest(reservation: Holdable): reservation is RequestReservation {
  return 'tryReserve' in reservation
}
