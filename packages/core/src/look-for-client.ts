import { setImmediate as turn } from 'node:timers/promises'
import { clientLeft } from './errors.ts'
import type { GovernedRequest } from './governed-request.ts'

/** A longer body is not read to its end here: each turn is one in which its bytes lie idle. */
const MOST_BYTES = 2 ** 20

/**
 * Reads a little of an upload that has waited, to learn whether its client is still there. Node has stopped reading its
 * socket, and so has seen no end and no reset behind what the kernel holds. What Node makes of either is seen
 * afterwards: it destroys the socket, also where the body was whole (the kernel of a client that has left sends on what
 * it had), unless the server allows that. What ends amid a long body, its reader hears.
 *
 * Called from within an immediate: sockets are polled before the next one.
 *
 * Not where somebody reads the body already: what he takes is not counted yet. Not over HTTP/2, which shows it at once.
 */
export async function lookForClient(request: GovernedRequest): Promise<void> {
  const { req, stream, socket, price } = request
  let seen = socket?.bytesRead
  // An injected request has no socket to speak of.
  // What was whole before is read on while it waits.
  if (stream !== undefined || seen === undefined || req.complete) return
  const mayHalfClose = (socket as { server?: { httpAllowHalfOpen?: boolean } }).server?.httpAllowHalfOpen
  const most = price.limit <= MOST_BYTES ? Math.min(MOST_BYTES, price.bytes) : 0
  let quiet = false
  while (isOpen() && !quiet) {
    socket.resume()
    await turn()
    quiet = socket.bytesRead === seen || !(req.complete || req.readableLength < most)
    seen = socket.bytesRead
  }
  // It has gone meanwhile, or the server closes.
  request.throwIfEnded()
  // Who waits for its response to close hears of it in the next turn.
  if (socket.destroyed) throw clientLeft()

  function isOpen(): boolean {
    if (req.complete && mayHalfClose) return false
    return !(req.readableDidRead || req.readableFlowing || request.ended || socket.destroyed)
  }
}
