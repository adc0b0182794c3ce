import type { ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { isAnswered } from './lingering-close.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { type OpenConnection, openConnectionOf } from './open-connection.ts'
import { countSent, onWrite } from './outflow.ts'
import type { HttpRequest, HttpResponse } from './request-head.ts'

/** A request as its finalizer sees it; it stands among the open requests of its connection. */
export interface Finalizable extends Linked<Finalizable> {
  readonly req: HttpRequest
  readonly socket: Socket
  /** Over HTTP/2 only. */
  readonly stream: ServerHttp2Stream | undefined
  readonly waiting: boolean
  /** Its answer is out, while its client may still send: of what nobody reads, no more than `window` bytes. */
  answered(window: number): void
  /** Its response has so much in its buffers. */
  buffered(bytes: number): void
  /** Its response is out, or will never be. Any number of calls. */
  responseOver(clientGone: boolean): void
  /** Nothing more can come or go. */
  connectionOver(): void
  /** It is the first on its connection now, or has left it. */
  turn(): void
}

// Shared by all copies of this package in a process, so that two of them don't count a request twice.
const REQUEST = Symbol.for('plimsoll.request')
const CONNECTION = Symbol.for('plimsoll.connection')

interface Marked<T> {
  [REQUEST]?: T
  [CONNECTION]?: Connection
}

/**
 * The open requests of one HTTP/1 connection, in their order. Kept on the socket because of
 * pipelining: when a connection dies, the responses queued behind another never emit 'close' on
 * Node 20 and 22. It must hold nothing of a request that is over: sockets idle for minutes.
 */
export class Connection {
  // A list, since adding an object to a Set and deleting it costs as much as the rest of an admission.
  readonly #open = new LinkedList<Finalizable>()
  /** What it is among all connections of its server, where that is attached. */
  readonly #among: OpenConnection | undefined

  constructor(among?: OpenConnection) {
    this.#among = among
    if (among !== undefined) among.requests = this
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size
  }

  join(request: Finalizable): void {
    this.#open.add(request)
    this.#among?.asked()
  }

  /** The first is who writes; what the others have to say waits in their responses. */
  readonly buffered = (bytes: number): void => this.#open.first?.buffered(bytes)

  /** Takes out a request that has joined. */
  leave(request: Finalizable): void {
    this.#open.remove(request)
    request.turn()
    this.#open.first?.turn()
    if (this.#open.size === 0) this.#among?.answered()
  }

  /**
   * Whether all requests before this one are over. One that passed them would hold bytes it can't
   * answer with, and those before it might be waiting for them.
   */
  isFirst(request: Finalizable): boolean {
    return this.#open.first === request
  }

  /** Whether an earlier request of this connection waits. Only the first can; the others wait for it. */
  isBehindWaiter(request: Finalizable): boolean {
    const { first } = this.#open
    return first !== request && first !== undefined && first.waiting
  }

  close(): void {
    let request = this.#open.first
    while (request !== undefined) {
      // It leaves, and its links with it.
      const { after } = request
      request.connectionOver()
      request = after
    }
  }
}

/**
 * What carries a request's mark: the state of its stream, whose shape is the same in all servers. Express changes
 * the prototype of each request and response, and of those V8 makes a hidden class for each property that is
 * added, at some 4 µs.
 */
function carrierOf<T extends Finalizable>(req: HttpRequest): Marked<T> {
  return (req as { _readableState?: Marked<T> })._readableState ?? (req as Marked<T>)
}

/** The governed request that `req` is, if it was met before. */
export function governed<T extends Finalizable>(req: HttpRequest): T | undefined {
  return carrierOf<T>(req)[REQUEST]
}

/** Notes on `req` that it is governed. */
export function mark(request: Finalizable): void {
  carrierOf(request.req)[REQUEST] = request
}

/** Whether the events that `finalize` waits for have passed already. */
export function isOver({ stream, socket }: Finalizable, res: HttpResponse): boolean {
  if (res.destroyed) return true
  // Closed comes first, and destroyed where what has arrived was read.
  if (stream !== undefined) return stream.closed
  // That of an injected request can't be destroyed.
  return socket === null || socket.destroyed === true
}

/** Node takes it off a request that somebody has stopped reading, and off a response that is over. */
export function socketOf(req: HttpRequest, res: HttpResponse): Socket | null {
  return req.socket ?? res.socket
}

/**
 * Sees to it that the request hears when its response is over: by the response's own 'close', or by
 * its connection's. A handler's return tells nothing (the response may stream on), nor does the
 * request's 'close' (the body was read), nor 'finish' (not emitted on most aborts).
 *
 * @returns its connection; on HTTP/2 each request has a stream of its own and needs none
 */
export function finalize(request: Finalizable, res: HttpResponse): Connection | undefined {
  // A closure, since a mark on the response would cost Express's a hidden class.
  res.on('close', () => request.responseOver(!res.writableFinished || isCut(request)))
  const { stream } = request
  if (stream !== undefined) {
    finalizeStream(request, stream)
    return undefined
  }
  const connection = connectionOf(request.socket)
  connection.join(request)
  // Until those before it are out, what it has to say stays in the response.
  if (!connection.isFirst(request)) onWrite(res as ServerResponse, bytes => request.buffered(bytes))
  return connection
}

function finalizeStream(request: Finalizable, stream: ServerHttp2Stream): void {
  countSent(stream)
  onWrite(stream, bytes => request.buffered(bytes))
  // One that its client may still send on closes long after its answer, if ever.
  if (!stream.endAfterHeaders) {
    stream.on('finish', () => {
      // By then its last frame is on its way.
      setImmediate(() => {
        const { session } = stream
        if (session !== undefined && isAnswered(stream))
          request.answered(session.localSettings.initialWindowSize as number)
      })
    })
  }
  // The answer to a HEAD ends its stream with the headers. A body that is piped into it has nobody who takes it, so
  // the response never closes.
  stream.on('close', () => request.responseOver(isCut(request)))
  stream.on('end', onStreamEnd)
  // Either may come first.
  stream.on('aborted', onStreamBroken)
  stream.on('error', onStreamBroken)
}

function connectionOf(socket: Socket & Marked<never>): Connection {
  let connection = socket[CONNECTION]
  if (connection === undefined) {
    connection = socket[CONNECTION] = new Connection(openConnectionOf(socket))
    socket.on('close', onConnectionClose)
    const { buffered } = connection
    onWrite(socket, buffered)
  }
  return connection
}

/**
 * Of a stream that its client has closed without an error Node waits for the rest of the answer, which will never be
 * taken: it kept the stream for ever, and the connection.
 */
function onStreamEnd(this: ServerHttp2Stream): void {
  if (this.closed) setImmediate(letGo, this)
}

/**
 * Of a stream that its client has closed without an error Node 20 waits for the end of its body, which never comes after an
 * error of its own, as of a write after the end: it kept the stream for ever, and its session and socket. The compatibility
 * layer listens to these errors, so that nobody misses one who would have heard of it without us.
 */
function onStreamBroken(this: ServerHttp2Stream): void {
  if (this.closed && this.errored !== null) setImmediate(() => this.destroy())
}

function letGo(stream: ServerHttp2Stream): void {
  // One that we close ourselves is known until its answer is out.
  if (stream.state.state === constants.NGHTTP2_STREAM_STATE_IDLE) stream.destroy()
}

/** Node 20 and 22 finish what is destroyed, too, so `writableFinished` alone does not tell an abort. */
function isCut({ stream, socket }: Finalizable): boolean {
  if (stream === undefined) return socket.destroyed
  return stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR
}

function onConnectionClose(this: Marked<never>): void {
  this[CONNECTION]?.close()
}
