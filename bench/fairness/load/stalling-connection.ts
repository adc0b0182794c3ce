import net from 'node:net'
import { type Attempt, failure } from './attempt.ts'
import { parseStatus } from './status-line.ts'

/**
 * A connection that reads how it is answered.
 *
 * @param begin sends what it sends, and says what is to be done when it is over
 * @returns how it ended: the status that was read, 'closed', 'reset', or the error's code
 */
export function stallingConnection(
  { port, address, stop, connected }: Attempt,
  begin: (socket: net.Socket) => () => void,
): Promise<string> {
  return new Promise(resolve => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: address })
    let read = ''
    const settle = (ended: string) => {
      over()
      stop.removeEventListener('abort', stopped)
      socket.destroy()
      resolve(ended)
    }
    const stopped = () => settle('stopped')
    stop.addEventListener('abort', stopped)
    socket.on('connect', connected)
    socket.on('error', error => settle(failure(error)))
    socket.on('end', () => settle('closed'))
    socket.setEncoding('latin1').on('data', (text: string) => {
      read = (read + text).slice(0, 256)
      const status = parseStatus(read)
      if (status !== undefined) settle(status)
    })
    const over = begin(socket)
  })
}
