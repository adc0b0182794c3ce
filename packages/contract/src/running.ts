import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Governor } from '@plimsoll/core'
import type { Running } from './framework.ts'

/** Has a server listen on a free port of 127.0.0.1. */
export async function running(server: Server, governor: Governor | undefined): Promise<Running> {
  const cut = cutter(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    port: (server.address() as AddressInfo).port,
    governor: governor as Governor,
    async stop() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

/** Cuts the connections of a server. Its own closeAllConnections passes over those upgraded, and HTTP/2 has none. */
export function cutter(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}
