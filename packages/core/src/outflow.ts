import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { resetSocket } from './reset-socket.ts'

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
type Done = (error?: Error | null) => void

/**
 * An HTTP/2 write is sent in parts of this size, so that one can see how much of it was taken. No more than a frame
 * (RFC 9113 section 4.2): with 64 KiB somebody who takes 32 KiB a second seems to stand still.
 */
const PART = 16 * 1024

/** What is buffered goes by one write up to here. */
const MOST_AT_ONCE = 4 * PART

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

type Write = (chunk?: unknown, encoding?: unknown, done?: unknown) => boolean
type End<W> = (chunk?: unknown, encoding?: unknown, done?: unknown) => W

/** Tells how much is buffered after each write, and after the end, whose chunk goes past `write`. */
export function onWrite(
  writable: Pick<Writable, 'write' | 'end' | 'writableLength'>,
  told: (bytes: number) => void,
): void {
  const write = writable.write as Write
  const end = writable.end as End<never>
  // By name, since a rest parameter is an array for each write.
  const writeAndTell = (chunk?: unknown, encoding?: unknown, done?: unknown): boolean => {
    const goesOn = write.call(writable, chunk, encoding, done)
    told(writable.writableLength)
    return goesOn
  }
  const endAndTell = (chunk?: unknown, encoding?: unknown, done?: unknown): never => {
    const itself = end.call(writable, chunk, encoding, done)
    told(writable.writableLength)
    return itself
  }
  writable.write = writeAndTell
  writable.end = endAndTell
}

/** Counts what is sent on a stream of HTTP/2, where neither Node nor nghttp2 tells. */
export function countSent(stream: Metered): void {
  stream[SENT] = 0
  const { _write } = stream
  const _writev = stream._writev as NonNullable<typeof stream._writev>
  const sent = (bytes: number, done: Done): Done => {
    return error => {
      stream[SENT] = (stream[SENT] as number) + bytes
      done(error)
    }
  }
  const write = stream.write as Write
  const end = stream.end as End<never>
  const writeCounted: typeof _write = (chunk: Buffer | string, encoding, callback) => {
    _write.call(stream, chunk, encoding, sent(Buffer.byteLength(chunk, encoding), callback))
  }
  const writevCounted: typeof _writev = (chunks, callback) => {
    const bytes = chunks.reduce((sum, { chunk, encoding }) => sum + Buffer.byteLength(chunk, encoding), 0)
    _writev.call(stream, chunks, sent(bytes, callback))
  }
  // Not in `_write`: Node ends a stream with the chunk that it writes last, and that is the one behind which
  // nothing is buffered.
  const allButLastPart = (chunk: unknown, encoding: unknown): unknown => {
    const isLongText = typeof chunk === 'string' && chunk.length > PART
    let rest = isLongText ? Buffer.from(chunk, encodingOf(stream, encoding)) : chunk
    // All that is buffered would go by one write. By itself each is counted, but takes a turn.
    if (stream.writableLength > MOST_AT_ONCE || (rest instanceof Uint8Array && rest.length > PART))
      Object.assign(stream, { _writev: undefined })
    while (rest instanceof Uint8Array && rest.length > PART) {
      write.call(stream, rest.subarray(0, PART))
      rest = rest.subarray(PART)
    }
    return rest
  }
  const writeInParts = (chunk: unknown, ...rest: unknown[]): boolean =>
    write.call(stream, allButLastPart(chunk, rest[0]), ...rest)
  const endInParts = (chunk: unknown, ...rest: unknown[]): never =>
    end.call(stream, allButLastPart(chunk, rest[0]), ...rest)
  stream._write = writeCounted
  stream._writev = writevCounted
  stream.write = writeInParts
  stream.end = endInParts
}

function encodingOf(stream: Metered, encoding: unknown): BufferEncoding {
  const { _writableState } = stream as unknown as { _writableState: { defaultEncoding: BufferEncoding } }
  return typeof encoding === 'string' ? (encoding as BufferEncoding) : _writableState.defaultEncoding
}

/** Ends a response whose client does not take it. */
export function cutOff(socket: Socket, stream: ServerHttp2Stream | undefined): void {
  if (stream !== undefined) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  else resetSocket(socket)
}
