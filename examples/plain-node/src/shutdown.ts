import type { Server } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Governor, HttpServer } from '@plimsoll/core'

/**
 * Ends a server as its clients would wish: what is admitted finishes, who waits is told to go elsewhere.
 * To be called before the server listens.
 *
 * @returns what ends it, and rejects with `ERR_PLIMSOLL_CLOSE_TIMEOUT` where that takes longer than 30 s
 */
export function gracefully(server: HttpServer, governor: Governor): () => Promise<void> {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })

  return async () => {
    server.close()
    // Before Node 24 a server that closes leaves its HTTP/2 sessions open.
    for (const session of sessions) session.close()
    await governor.close()
    // Kept alive by clients that might have had more to ask.
    ;(server as Server).closeIdleConnections()
  }
}
