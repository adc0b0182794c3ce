import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Governor } from '@plimsoll/core'
import type { Running } from './framework.ts'

/** Has a server listen on a free port of 127.0.0.1. */
export async function running(server: Server, governor: Governor | undefined): Promise<Running> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    port: (server.address() as AddressInfo).port,
    governor: governor as Governor,
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
