import net from 'node:net'
import { ATTACKER_ADDRESS, type Attempt, failure } from './attempt.ts'
import { parseStatus } from './status-line.ts'

/** What is paid in comes from here: one buffer for all, so that the client holds no bodies. */
const payment = Buffer.alloc(16 * 2 ** 20, 'x')

/**
 * Declares a body, pays in some of it, then sends a byte a second.
 *
 * @returns how it ended: the status that was read, 'closed', 'reset', or the error's code
 */
export function stallingSender(
  { port, stop, connected }: Attempt,
  { path, declaredBytes, paidBytes }: { path: string; declaredBytes: number; paidBytes: number },
): Promise<string> {
  return new Promise(resolve => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: ATTACKER_ADDRESS })
    let read = ''
    let sent = paidBytes
    const settle = (ended: string) => {
      clearInterval(drip)
      stop.removeEventListener('abort', stopped)
      socket.destroy()
      resolve(ended)
    }
    const stopped = () => settle('stopped')
    const drip = setInterval(() => {
      // What was paid in may still be on its way, where the server does not read on.
      if (socket.writableLength > 0 || ++sent >= declaredBytes) return
      socket.write('x')
    }, 1_000)
    stop.addEventListener('abort', stopped)
    socket.on('connect', connected)
    socket.on('error', error => settle(failure(error)))
    socket.on('end', () => settle('closed'))
    socket.setEncoding('latin1').on('data', (text: string) => {
      read = (read + text).slice(0, 256)
      const status = parseStatus(read)
      if (status !== undefined) settle(status)
    })
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: plimsoll\r\nContent-Length: ${declaredBytes}\r\n`)
    socket.write('Content-Type: application/octet-stream\r\n\r\n')
    if (paidBytes > 0) socket.write(payment.subarray(0, paidBytes))
  })
}
