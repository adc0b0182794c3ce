import type { RequestReservation } from './governed-request.ts'
import type { RequestWork } from './request-work.ts'

/** Notes that a request has begun so many tasks, for the report of its route. */
export function noteTasks(reservation: RequestReservation, tasks: number): void {
  const work = workOf(reservation)
  if (work !== undefined) work.tasks += tasks
}

/**
 * Notes that a request has read so many bytes from elsewhere, after decompression, for the report of its route.
 *
 * @param declaredBytes how many it was told of before: a `Content-Length`, say. 0 where it was told none
 */
export function noteRead(reservation: RequestReservation, bytes: number, declaredBytes = 0): void {
  const work = workOf(reservation)
  if (work === undefined) return
  work.readBytes += bytes
  work.declaredBytes += declaredBytes
}

/** By shape, since the request may be another copy's; a request that no governor has met has none. */
function workOf(reservation: RequestReservation): RequestWork | undefined {
  return (reservation as { working?: () => RequestWork }).working?.()
}
