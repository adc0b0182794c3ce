import { PlimsollError } from './errors.ts'
import type { RequestReservation } from './governed-request.ts'

/** What a request holds that no governor has met: nothing, and it gets nothing. */
class NoReservation implements RequestReservation {
  readonly bytes = 0
  readonly released = true

  get signal(): AbortSignal {
    // One each time: whoever listens to a shared one would be kept for ever.
    return new AbortController().signal
  }

  tryGrow(): boolean {
    return false
  }

  shrink(): void {}

  async requeue(): Promise<void> {
    throw new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is not admitted')
  }

  hold(): void {}
}

export const noReservation: RequestReservation = Object.freeze(new NoReservation())
