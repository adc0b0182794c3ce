import net from 'node:net'
import { type Attempt, failure } from './attempt.ts'
import { parseStatus } from './status-line.ts'

const LOOK_EVERY_MS = 100
const READ_EVERY_MS = 1_000

/**
 * Asks for a download, then takes 1 KiB of it a second.
 *
 * @returns how it ended: a refusal's status, '200' if it has read all, 'closed', 'reset', or the error's code
 */
export function slowReader({ port, address, stop, connected }: Attempt, path: string): Promise<string> {
  return new Promise(resolve => {
    let status: string | undefined
    const settle = (ended: string) => {
      clearInterval(read)
      clearInterval(look)
      stop.removeEventListener('abort', stopped)
      socket.destroy()
      resolve(ended)
    }
    const stopped = () => settle('stopped')
    const socket = net.connect({
      port,
      host: '127.0.0.1',
      localAddress: address,
      // The rest stays in the kernel, where it fills its buffers and then the server's.
      onread: {
        buffer: Buffer.alloc(1024),
        callback(bytes, buffer) {
          status ??= parseStatus(Buffer.from(buffer).toString('latin1', 0, bytes))
          if (status !== undefined && status !== '200') settle(status)
          return false
        },
      },
    })
    const read = setInterval(() => socket.resume(), READ_EVERY_MS)
    // A socket that is not read does not hear of its reset. A write of nothing asks, and sends nothing.
    const look = setInterval(() => socket.write(''), LOOK_EVERY_MS)
    stop.addEventListener('abort', stopped)
    socket.on('connect', connected)
    socket.on('error', error => settle(failure(error)))
    socket.on('end', () => settle(status ?? 'closed'))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: plimsoll\r\nConnection: close\r\n\r\n`)
  })
}
