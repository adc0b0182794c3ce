import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Lingerer } from './lingerers.ts'

/** How long a client may take to read its answer after the server is done with it. */
export const LINGER_MS = 2000
/** How much a client may still send meanwhile, less where many linger; beyond, the socket is only kept open. */
export const LINGER_BYTES = 64 * 2 ** 20

const LINGERS = Symbol('plimsoll.lingers')

/**
 * Makes the socket close slowly once its last response is out. A client that is still sending when
 * a socket is destroyed is sent a reset, and mostly loses its answer with it (measured: 413 read 2
 * times in 20). So: say goodbye, throw away what still comes, and close when the client has
 * closed or its time is up. nginx calls it lingering_close; Node has the hook in `destroySoon`.
 */
export function lingerOnClose(socket: Socket): void {
  const lingering = socket as Socket & { [LINGERS]?: true }
  // An injected request has no socket to speak of.
  if (lingering[LINGERS] || typeof socket.destroySoon !== 'function') return
  lingering[LINGERS] = true
  socket.destroySoon = lingerSoon
}

function lingerSoon(this: Socket): void {
  lingerNow(this)
}

/** Says goodbye at once: what has been written is all of the answer. */
export function lingerNow(socket: Socket): void {
  // A second call is Node's own, on what the client sends after the end.
  socket.destroySoon = isClosing
  if (socket.destroyed) return
  const lingerer = new Lingerer(socket)
  socket.end()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.on('close', () => clearTimeout(timer))
  socket.on('end', () => socket.destroy())
  // While the HTTP parser reads the socket, only Node's own listener to 'resume' can start a reading
  // that was stopped, and listening to 'data' takes it away: so that comes after.
  socket.pause()
  if (!lingerer.mayRead) return
  socket.once('resume', () => discard(socket, lingerer))
  socket.resume()
}

function isClosing(): void {}

function discard(socket: Socket, lingerer: Lingerer): void {
  // The HTTP parser must not meet another request in what follows.
  socket.removeAllListeners('data')
  let read = 0
  socket.on('data', (chunk: Buffer) => {
    read += chunk.length
    if (read > LINGER_BYTES) socket.pause()
    else if (lingerer.hasReadItsShare(read)) lingerer.cut()
  })
}

/**
 * The same for one stream of HTTP/2, which is over only when its client has stopped sending, too: ends
 * that, as RFC 9113 section 8.1 allows. Not at once, since Node's client loses what it has not read.
 *
 * @param goesOn whether somebody still reads what the client sends
 */
export function lingerOnFinish(stream: ServerHttp2Stream, goesOn = (): boolean => false): void {
  const lingering = stream as ServerHttp2Stream & { [LINGERS]?: true }
  if (lingering[LINGERS]) return
  lingering[LINGERS] = true
  const linger = (): void => {
    if (stream.readableEnded || stream.destroyed) return
    const timer = setTimeout(() => {
      stream.off('close', forget)
      const over = isAnswered(stream) && !goesOn()
      // Node waits until what has arrived is read, for ever if somebody has stopped reading it.
      if (over && stream.closed) stream.destroy()
      else {
        if (over) stream.close()
        linger()
      }
    }, LINGER_MS)
    const forget = (): void => clearTimeout(timer)
    stream.once('close', forget)
  }
  // A handler may have answered before the body was refused.
  if (stream.writableFinished) linger()
  else stream.once('finish', linger)
}

/** Whether all of the answer is out. Node calls that to a HEAD finished before there is one, and a file as it begins. */
export function isAnswered(stream: ServerHttp2Stream): boolean {
  return stream.headersSent && stream.state.state !== constants.NGHTTP2_STREAM_STATE_OPEN
}
