import { ReadableStream } from 'node:stream/web'
import { noteRead, type RequestReservation } from '@plimsoll/core'
import { openSource, type WebStreamReader } from './bounded-source.ts'
import { setNoted } from './noted-sources.ts'
import type { OutboundCall } from './outbound-call.ts'
import { responseTooLarge } from './read-bounded.ts'

/** Calls whose body nobody has any more: not even who has begun to read it can go on. */
const unreachable = new FinalizationRegistry<OutboundCall>(call =>
  call.end(new Error('Nobody reads the response')),
)

/**
 * The same response with a body of at most `limit` bytes, whose end is the end of the call.
 *
 * @param reservation of the request whose report is told what is read
 * @throws `ERR_PLIMSOLL_RESPONSE_TOO_LARGE` where its head says that it is longer
 */
export function boundedResponse(
  response: Response,
  limit: number,
  call: OutboundCall,
  reservation?: RequestReservation,
): Response {
  if (response.body === null) {
    call.over()
    return response
  }
  const { expected = 0, declared = 0 } = openSource(response)
  if (expected > limit) throw responseTooLarge(expected, limit)
  let read = 0
  let untold = declared
  const take = (bytes: number): void => {
    if (reservation !== undefined) noteRead(reservation, bytes, untold)
    untold = 0
    read += bytes
    if (read > limit) throw responseTooLarge(read, limit)
  }
  const body = boundedBody(response.body.getReader(), take, call)
  unreachable.register(body, call)
  // Of its own kind: `fetch` may be that of another copy of undici.
  const { status, statusText, headers, url, redirected, type } = response
  const Kind = response.constructor as typeof Response
  const bounded = new Kind(body, { status, statusText, headers })
  const told = { url, redirected, type }
  for (const [name, value] of Object.entries(told)) Object.defineProperty(bounded, name, { value })
  if (reservation !== undefined) setNoted(bounded)
  return bounded
}

/**
 * Reads no more ahead than the response does.
 *
 * @param take is told of each chunk, and throws where it is too much
 */
function boundedBody(
  reader: WebStreamReader,
  take: (bytes: number) => void,
  call: OutboundCall,
): ReadableStream {
  const { signal } = call
  // Whatever ends it, and whoever has made it: a `fetch` need not look at its signal.
  signal.addEventListener('abort', () => void reader.cancel(signal.reason).catch(() => {}))
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      for (;;) {
        const { done, value } = await reader.read()
        signal.throwIfAborted()
        if (done) return undefined
        const chunk = value as Uint8Array
        take(chunk.length)
        // A stream of bytes takes no empty ones.
        if (chunk.length > 0) return chunk
      }
    } catch (error) {
      const reason = signal.aborted ? signal.reason : error
      call.end(reason)
      throw reason
    }
  }
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        const chunk = await next()
        if (chunk !== undefined) {
          // It takes the memory of a chunk away, and that of a small Buffer is Node's pool, which others have, too.
          const whole = chunk.byteLength === chunk.buffer.byteLength
          controller.enqueue(whole ? chunk : new Uint8Array(chunk))
          return
        }
        call.over()
        controller.close()
        // Whoever reads into a buffer of his own is told by this alone.
        controller.byobRequest?.respond(0)
      },
      cancel: reason => call.end(reason),
    },
    { highWaterMark: 0 },
  )
}
