import { IncomingMessage } from 'node:http'
import { noReservation, type RequestReservation, reservationOf } from '@plimsoll/core'

/**
 * Gives a request its `plimsoll`, as a getter on the prototype that its application gives to all of its requests; so
 * Express does with `req.ip`. A property of its own costs such a request 4 µs: V8 makes a hidden class for each.
 */
export function showReservation(req: IncomingMessage & { plimsoll?: RequestReservation }): void {
  if ('plimsoll' in req) return
  const prototype = Object.getPrototypeOf(req)
  // Node's own, where the middleware runs without Express: it is not ours to extend, and costs nothing.
  if (prototype === IncomingMessage.prototype) req.plimsoll = reservationOf(req)
  else Object.defineProperty(prototype, 'plimsoll', GETTER)
}

const GETTER: PropertyDescriptor = {
  configurable: true,
  enumerable: true,
  get(this: IncomingMessage): RequestReservation | undefined {
    const reservation = reservationOf(this)
    // On a route that is not governed, it is not there.
    return reservation === noReservation ? undefined : reservation
  },
}
