import type { Server } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { HttpServer } from './expect-continue.ts'
import { LinkedList } from './linked-list.ts'
import { noteSession, OpenConnection, openConnectionOf } from './open-connection.ts'
import { refuseConnection } from './refuse-connection.ts'

/**
 * What a connection that waits for nothing may take: 9 KiB where it is idle (5 of the process, 4 of the kernel), and up
 * to 16 KiB more for a head that is not whole, by Node's own limit to heads.
 *
 * @internal
 */
export const CONNECTION_BYTES = 16 * 1024
/** A small budget does not make a small server. */
export const LEAST_CONNECTIONS = 1024

/**
 * How many connections go with a budget.
 *
 * @internal
 */
export function connectionsFor(budget: number): number {
  return Math.max(LEAST_CONNECTIONS, Math.floor(budget / CONNECTION_BYTES))
}

/** Who came or asked later than this long ago is not closed for others: an honest head may still be on its way. */
export const YOUNG_MS = 1000

// Shared by all copies of this package in a process.
const LIMITED = Symbol.for('plimsoll.connections')

/** Whose limit it is. */
export interface ConnectionKeeper {
  /** Asked for each connection that is one too many: whether another may be closed for it, or it refused. */
  mayAct(): boolean
  connectionRefused(): void
}

/**
 * Bounds how many connections are open at once, on all servers of a governor. Where they are too many, the one that
 * has gone longest without asking for anything makes room: idle, with half a head, in the middle of a handshake.
 * So a flood of such does not keep an honest client out. Where there is none, the newcomer is refused.
 *
 * No timer and no work for each request but two links: who is busy is found out when room is needed, and leaves the
 * list until it is not.
 */
export class ConnectionLimit {
  readonly limit: number
  /** How many are open. */
  open = 0
  /** How many were refused. */
  refused = 0
  /** How many were closed to make room. */
  closed = 0
  /** Those that may be closed, in the order of `since`. The busy may stand among them. */
  readonly #list = new LinkedList<OpenConnection>()
  readonly #keeper: ConnectionKeeper

  constructor(limit: number, keeper: ConnectionKeeper) {
    this.limit = limit
    this.#keeper = keeper
  }

  /** Any number of calls; a server is bounded by the first governor that is attached to it. */
  attach(server: HttpServer & { [LIMITED]?: true }): void {
    if (server[LIMITED]) return
    server[LIMITED] = true
    const secure = server instanceof TlsServer
    const any = server as Server
    // After Node's own, which can't be kept from the socket.
    any.on('connection', (socket: Socket) => this.#arrive(socket, secure))
    if (secure) any.on('secureConnection', onSecure)
    any.on('session', (session: ServerHttp2Session) => noteSession(session))
    any.on('stream', onStream)
  }

  #arrive(socket: Socket, handshaking: boolean): void {
    if (this.open >= this.limit && this.#keeper.mayAct() && !this.#makeRoom()) {
      this.refused++
      refuseConnection(socket, handshaking)
      this.#keeper.connectionRefused()
      return
    }
    this.open++
    const connection = new OpenConnection(socket, handshaking, performance.now(), asked => this.#touch(asked))
    this.#enlist(connection)
    socket.on('close', () => this.#leave(connection))
  }

  #makeRoom(): boolean {
    const youngest = performance.now() - YOUNG_MS
    for (;;) {
      const connection = this.#list.first
      if (connection === undefined || connection.since > youngest) return false
      if (!connection.busy) {
        this.closed++
        this.#leave(connection)
        connection.close()
        return true
      }
      // So that nobody passes over it a second time.
      this.#delist(connection)
      connection.onceAnswered(() => this.#touch(connection))
    }
  }

  #touch(connection: OpenConnection): void {
    if (connection.gone) return
    this.#delist(connection)
    connection.since = performance.now()
    this.#enlist(connection)
  }

  #leave(connection: OpenConnection): void {
    if (connection.gone) return
    connection.gone = true
    this.open--
    this.#delist(connection)
  }

  #enlist(connection: OpenConnection): void {
    connection.listed = true
    this.#list.add(connection)
  }

  #delist(connection: OpenConnection): void {
    if (!connection.listed) return
    connection.listed = false
    this.#list.remove(connection)
  }
}

/** Node keeps the socket below on the one of TLS. Where it did not, the handshake would count as the connection. */
function onSecure(socket: Socket & { readonly _parent?: Socket }): void {
  if (socket._parent) openConnectionOf(socket._parent)?.secured(socket)
}

function onStream(stream: ServerHttp2Stream): void {
  const { session } = stream
  const connection = session && openConnectionOf(session.socket as Socket)
  if (connection === undefined) return
  connection.streams++
  connection.asked()
  stream.on('close', () => {
    if (--connection.streams === 0) connection.answered()
  })
}
