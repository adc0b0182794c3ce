import { PlimsollError, type RequestReservation } from '@plimsoll/core'

/** What one read holds of its request's reservation: the one place that takes such bytes and gives them back. */
export class HeldBytes {
  readonly #reservation: RequestReservation | undefined
  #bytes = 0

  /** @param reservation undefined where nothing is to be held */
  constructor(reservation: RequestReservation | undefined) {
    this.#reservation = reservation
  }

  /** @throws `ERR_PLIMSOLL_NO_ROOM`, or `ERR_PLIMSOLL_RELEASED` where the request is over */
  grow(by: number): void {
    const reservation = this.#reservation
    if (reservation === undefined) return
    if (!reservation.tryGrow(by)) {
      throw reservation.released
        ? new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is over', { bytes: by })
        : new PlimsollError('ERR_PLIMSOLL_NO_ROOM', 'There is no room for this request now', { bytes: by })
    }
    this.#bytes += by
  }

  /** Gives back all above `to`. */
  shrink(to: number): void {
    const less = this.#bytes - to
    this.#bytes = to
    // Not below 0: its handler may have given them back by itself.
    this.#reservation?.shrink(Math.max(0, this.#reservation.bytes - less))
  }
}
