import { PlimsollError } from './errors.ts'
import type { RequestReservation } from './governed-request.ts'

class NoReservation implements RequestReservation {
  readonly bytes = 0
  readonly released = true
  readonly remainingMs = Number.POSITIVE_INFINITY

  get signal(): AbortSignal {
    // One each time: whoever listens to a shared one would be kept for ever.
    return new AbortController().signal
  }

  tryGrow(): boolean {
    return false
  }

  shrink(): void {}

  tryReserve(): undefined {}

  setDeadline(): void {}

  async requeue(): Promise<void> {
    throw new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is not admitted')
  }

  hold(): void {}
}

/** What `reservationOf` answers for a request that no governor has met: 0 bytes, released, and it gets nothing. */
export const noReservation: RequestReservation = Object.freeze(new NoReservation())
