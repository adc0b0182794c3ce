import type { OutgoingMessage } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Connection } from './finalization.ts'
import type { Linked } from './linked-list.ts'

// Shared by all copies of this package in a process.
const OPEN = Symbol.for('plimsoll.open')
const SESSION = Symbol.for('plimsoll.session')

/** What Node keeps on a socket that speaks HTTP/1, for as long as it does. */
interface HttpSocket extends Socket {
  readonly parser?: object | null
  readonly _httpMessage?: OutgoingMessage | null
  [OPEN]?: OpenConnection
  [SESSION]?: ServerHttp2Session
}

/** Written at once into a send buffer that is empty: who has begun a head is told why it ends. */
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** One connection among all that are open, and whether it can be done without. */
export class OpenConnection implements Linked<OpenConnection> {
  before: OpenConnection | undefined = undefined
  after: OpenConnection | undefined = undefined
  /** When it came, or asked for something last: the head of a request that is whole. */
  since: number
  /** Whether it stands in the list of those that may be closed. */
  listed = false
  /** Whether it counts no more. */
  gone = false
  /** Its governed requests, on HTTP/1. */
  requests: Connection | undefined = undefined
  /** Open streams, on HTTP/2. */
  streams = 0
  #socket: HttpSocket
  #handshaking: boolean
  readonly #asked: (connection: OpenConnection) => void

  constructor(socket: Socket, handshaking: boolean, since: number, asked: (it: OpenConnection) => void) {
    this.#socket = socket
    this.#handshaking = handshaking
    this.since = since
    this.#asked = asked
    this.#socket[OPEN] = this
  }

  /** From here on it speaks through TLS. */
  secured(socket: Socket): void {
    this.#socket = socket
    this.#handshaking = false
    this.#socket[OPEN] = this
  }

  /** It has sent the head of a request that is whole. */
  asked(): void {
    this.#asked(this)
  }

  /** Nothing of it is open any more. */
  answered(): void {
    if (!this.listed) this.#asked(this)
  }

  /** Whether somebody is being answered, or has taken it over for a WebSocket or a tunnel. */
  get busy(): boolean {
    if (this.#handshaking) return false
    const { parser, _httpMessage } = this.#socket
    if (this.#socket[SESSION] !== undefined) return this.streams > 0
    return parser == null || _httpMessage != null || (this.requests?.size ?? 0) > 0
  }

  /** Calls back once it may be idle again, unless a governed request tells. Never, for what is no HTTP any more. */
  onceAnswered(idle: () => void): void {
    if (this.requests?.size) return
    this.#socket._httpMessage?.once('close', idle)
  }

  close(): void {
    const socket = this.#socket
    const session = socket[SESSION]
    if (session !== undefined) session.destroy()
    else if (!this.#handshaking && this.requests === undefined && socket.bytesRead > 0)
      socket.write(TIMED_OUT)
    socket.destroy()
  }
}

/** The record of a socket, where its server is attached. */
export function openConnectionOf(socket: Socket): OpenConnection | undefined {
  return (socket as HttpSocket)[OPEN]
}

/** Notes whose session a socket carries. */
export function noteSession(session: ServerHttp2Session): void {
  const { socket } = session as { socket: HttpSocket }
  socket[SESSION] = session
}

export function sessionOf(socket: Socket): ServerHttp2Session | undefined {
  return (socket as HttpSocket)[SESSION]
}
