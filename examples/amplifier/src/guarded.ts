import { boundedFetch, fanOut, type RequestReservation, readBounded } from '@plimsoll/work'
import { LIMIT, type Means } from './offers.ts'

/** So many calls to suppliers at once, for all requests together. */
const shared = { name: 'suppliers', concurrency: 64 }

/** The same with guards: whatever the handler does, no more than that comes of it. */
export function guardedMeans(reservation: RequestReservation): Means {
  return {
    all: tasks => fanOut(tasks, { reservation, concurrency: 2, shared, name: 'offers' }),
    fetch: boundedFetch({ limit: LIMIT, timeoutMs: 2000, reservation }),
    read: response => readBounded(response, LIMIT, { reservation }),
  }
}
