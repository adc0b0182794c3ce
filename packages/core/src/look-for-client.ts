import { setImmediate as turn } from 'node:timers/promises'
import { clientLeft } from './errors.ts'
import type { GovernedRequest } from './governed-request.ts'

/** How much of what the request has just been granted may have come in, for it to go on. */
const MOST_BYTES = 2 ** 20
/** Turns without a byte after which there is nothing to read now. In the first of them reading has only begun. */
const QUIET_TURNS = 2

/**
 * Reads a little of an upload that has waited, to learn whether its client is still there. Node has stopped reading its
 * socket, and so has seen no end and no reset behind what the kernel holds. What Node makes of either is seen
 * afterwards: it destroys the socket, also where the body was whole (the kernel of a client that has left sends on what
 * it had), unless the server allows that.
 *
 * Not where somebody reads the body already: what he takes is not counted yet. Not over HTTP/2, which shows it at once.
 */
export async function lookForClient({ req, stream, socket, price, signal }: GovernedRequest): Promise<void> {
  let seen = socket?.bytesRead
  // An injected request has no socket to speak of.
  // What was whole before is read on while it waits.
  if (stream !== undefined || seen === undefined || req.complete) return
  const mayHalfClose = (socket as { server?: { httpAllowHalfOpen?: boolean } }).server?.httpAllowHalfOpen
  const most = Math.min(MOST_BYTES, price.bytes)
  let quiet = 0
  while (isOpen() && quiet < QUIET_TURNS && (req.complete || req.readableLength < most)) {
    socket.resume()
    await turn()
    quiet = socket.bytesRead === seen ? quiet + 1 : 0
    seen = socket.bytesRead
  }
  // It has gone meanwhile, or the server closes.
  signal.throwIfAborted()
  // Who waits for its response to close hears of it in the next turn.
  if (socket.destroyed) throw clientLeft()

  function isOpen(): boolean {
    if (req.complete && mayHalfClose) return false
    return !(req.readableDidRead || req.readableFlowing || signal.aborted || socket.destroyed)
  }
}
