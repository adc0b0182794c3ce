import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { lingerNow } from './lingering-close.ts'
import { sessionOf } from './open-connection.ts'

const BODY = '{"statusCode":503,"error":"Service Unavailable","message":"Too many connections are open"}'

/** The same for all: whoever sent it has not been read. */
const ANSWER = Buffer.from(
  `HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n` +
    `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
)

/**
 * Refuses a connection whose server has just accepted it: on HTTP/1 with an answer, on HTTP/2 by its own frame for
 * this. One that would need a handshake first is only cut, since that costs more than what is refused.
 */
export function refuseConnection(socket: Socket, handshaking: boolean): void {
  const session = sessionOf(socket)
  if (handshaking) socket.destroy()
  else if (session !== undefined) {
    // Its destroy() with a code alone takes that for no error.
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    session.destroy()
  } else {
    // Nobody is to hear of a client that leaves in the meantime, Node's own listener among them: it tells the application.
    socket.removeAllListeners('error').on('error', () => {})
    socket.write(ANSWER)
    lingerNow(socket)
  }
}
