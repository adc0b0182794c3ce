import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/** Node's own figures of a TCP connection: private, and the only ones that tell what was taken. */
interface Handle {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
  /** Below TLS. */
  readonly _parent?: Handle
}

/** Of an HTTP/2 stream: how many bytes have been sent. */
const SENT = Symbol('plimsoll.sent')

type Metered = ServerHttp2Stream & { [SENT]?: number }

/** An HTTP/2 write is sent in parts of this size, so that one can see how much of it was taken. */
const PART = 64 * 1024

/**
 * How many bytes have ever been taken of what was written. On HTTP/1 by the kernel: a stream's `writableLength` stays at
 * the size of a whole write until all of it is out, and `bytesWritten` counts what waits in libuv.
 */
export function bytesTaken(socket: Socket, stream: Metered | undefined): number {
  if (stream !== undefined) return stream[SENT] ?? 0
  const { _handle } = socket as Socket & { readonly _handle?: Handle | null }
  const { bytesWritten = 0, writeQueueSize = 0 } = _handle?._parent ?? _handle ?? {}
  return bytesWritten - writeQueueSize
}

/** Tells how much is buffered after each write. */
export function onWrite(
  writable: Pick<Writable, 'write' | 'writableLength'>,
  told: (bytes: number) => void,
): void {
  const { write } = writable
  writable.write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    const goesOn = write.call(writable, chunk, encoding as BufferEncoding, callback as () => void)
    told(writable.writableLength)
    return goesOn
  }
}

/** Counts what is sent on a stream of HTTP/2, where neither Node nor nghttp2 tells. */
export function countSent(stream: Metered): void {
  stream[SENT] = 0
  const { _write } = stream
  stream._write = (chunk: Buffer, encoding, callback) => {
    const part = chunk.length > PART ? chunk.subarray(0, PART) : chunk
    _write.call(stream, part, encoding, error => {
      stream[SENT] = (stream[SENT] as number) + part.length
      if (error || part === chunk) callback(error)
      else stream._write(chunk.subarray(PART), encoding, callback)
    })
  }
  // Without it each of many that were buffered is written by itself, and counted.
  ;(stream as { _writev?: unknown })._writev = undefined
}

/**
 * Ends a response whose client does not take it. With a reset: after a FIN the kernel would keep what is in its
 * send buffer, megabytes of each, for a client that never takes it. Over TLS Node has none.
 */
export function cutOff(socket: Socket, stream: ServerHttp2Stream | undefined): void {
  if (stream !== undefined) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  else if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
