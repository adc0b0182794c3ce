import type { Socket } from 'node:net'

/**
 * Closes a socket at once, and with a reset where that is possible: after a FIN the kernel would keep what is in its
 * send buffer, megabytes of each, for a client that never takes it. Of TLS it is the socket below that can. Unix domain
 * sockets and pipes have none, and Node throws.
 */
export function resetSocket(socket: Socket & { readonly _parent?: Socket | null }): void {
  try {
    ;(socket._parent ?? socket).resetAndDestroy()
  } catch {
    socket.destroy()
  }
}
