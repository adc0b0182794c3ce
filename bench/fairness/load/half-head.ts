import type { Attempt } from './attempt.ts'
import { stallingConnection } from './stalling-connection.ts'

/**
 * Begins a head, and never ends it.
 *
 * @returns how it ended: the status that was read, 'closed', 'reset', or the error's code
 */
export function halfHead(attempt: Attempt, path: string): Promise<string> {
  return stallingConnection(attempt, socket => {
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: plimsoll\r\nContent-Len`)
    return () => {}
  })
}
