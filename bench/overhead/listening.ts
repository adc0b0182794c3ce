import { once } from 'node:events'
import type { Server } from 'node:net'

/** On a free port of the loopback. */
export async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
