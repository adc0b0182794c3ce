import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { PlimsollError } from './errors.ts'
import { LINGER_BYTES } from './lingering-close.ts'
import { type HttpRequest, type HttpResponse, isHttp2 } from './request-head.ts'

/**
 * Ends a body for its reader, as a broken stream with `error`. Its socket lives on, so that the client
 * can be answered, and what still comes is thrown away.
 */
export function cutBody(req: HttpRequest, error: PlimsollError): void {
  let left = LINGER_BYTES
  // true keeps the socket flowing: nothing is buffered, and the answer gets out. Who never ends is not read for ever.
  const discard = (chunk: Uint8Array | null): boolean => {
    left -= chunk?.length ?? 0
    return left > 0
  }
  req.push = discard
  // Node's own destroys the socket, and with it the answer.
  req._destroy = justTell
  if (req.listenerCount('error') === 0) {
    // Without a listener the 'error' event would be an uncaught exception.
    req.on('error', () => {})
  }
  // Not its own: that of an injected request does nothing once its body has been handed in.
  Readable.prototype.destroy.call(req, error)
  // Of a request that nobody has read, Node had stopped it; the next request comes by it. An injected one has no such socket.
  if (!isHttp2(req)) req.socket?.resume?.()
  req.once('close', () => setImmediate(callItComplete, req))
}

function justTell(cause: Error | null, callback: (error?: Error | null) => void): void {
  callback(cause)
}

/**
 * Express's parsers and its last error handler answer only when on-finished says that the request is over:
 * complete and not readable, or an 'end' or 'finish'. After all who listen to the stream were told
 * of its error, since `complete` is also how they tell a whole body from a broken one.
 */
function callItComplete(req: HttpRequest): void {
  // On HTTP/2 to be unreadable is enough, and this has no setter.
  if (!isHttp2(req)) req.complete = true
  req.emit('finish')
}

/** Takes that back before whoever waits for the answer to be out may ask whether the body was whole. */
export function uncompleteOnceAnswered(req: HttpRequest, res: HttpResponse): void {
  if (isHttp2(req)) return
  const uncomplete = (): void => {
    req.complete = false
  }
  const answer = res as ServerResponse
  answer.prependOnceListener('finish', uncomplete).prependOnceListener('close', uncomplete)
}
