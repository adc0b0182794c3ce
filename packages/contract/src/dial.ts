import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { certificate } from './certificate.ts'

/** How a client leaves. */
export type Farewell = 'leaves' | 'ends' | 'resets'

/** A client's end of a connection. */
export interface Line {
  readonly socket: Socket
  hangUp(how: Farewell): void
}

/** Connects to a port of 127.0.0.1. */
export function dial(port: number, secure: boolean): Line {
  const tcp = connect({ port, host: '127.0.0.1' })
  const socket = secure ? connectTls({ socket: tcp, ca: certificate.cert, servername: 'localhost' }) : tcp
  // A reset is one of the ways to end; who cares looks at what was received.
  for (const end of [tcp, socket]) end.on('error', () => {})
  return {
    socket,
    hangUp(how) {
      if (how === 'ends') socket.end()
      // Of TLS's own socket Node resets none.
      else if (how === 'resets') tcp.resetAndDestroy()
      else socket.destroy()
    },
  }
}
