import type { Attempt } from './attempt.ts'
import { stallingConnection } from './stalling-connection.ts'

/** What is paid in comes from here: one buffer for all, so that the client holds no bodies. */
const payment = Buffer.alloc(16 * 2 ** 20, 'x')

/**
 * Declares a body, pays in some of it, then sends a byte a second.
 *
 * @returns how it ended: the status that was read, 'closed', 'reset', or the error's code
 */
export function stallingSender(
  attempt: Attempt,
  { path, declaredBytes, paidBytes }: { path: string; declaredBytes: number; paidBytes: number },
): Promise<string> {
  return stallingConnection(attempt, socket => {
    let sent = paidBytes
    const drip = setInterval(() => {
      // What was paid in may still be on its way, where the server does not read on.
      if (socket.writableLength > 0 || ++sent >= declaredBytes) return
      socket.write('x')
    }, 1_000)
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: plimsoll\r\nContent-Length: ${declaredBytes}\r\n`)
    socket.write('Content-Type: application/octet-stream\r\n\r\n')
    if (paidBytes > 0) socket.write(payment.subarray(0, paidBytes))
    return () => clearInterval(drip)
  })
}
