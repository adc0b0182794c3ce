import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../soak/random.ts'

const HEAD = 'GET /never HTTP/1.1\r\nHost: offers\r\n\r\n'
/** Or the server would see few of them: who leaves before it is accepted is not there at all. */
const STAYS_MS = 30

/** Suppliers that begin an answer, and end it for `/at-once` only. */
export async function startSuppliers(): Promise<{ url: string; close: () => void }> {
  const server = createServer(({ url }, res) => {
    res.writeHead(200, { 'content-type': 'text/plain' }).write('a'.repeat(4096))
    if (url === '/at-once') res.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** So many clients, some at once, that ask and leave: in turns by a reset and by a FIN, at once or a moment later. */
export async function leave(port: number, clients: number, atOnce: number, random: Random): Promise<void> {
  let next = 0
  const come = async (): Promise<void> => {
    while (next < clients) await leaver(port, next++, random)
  }
  await Promise.all(Array.from({ length: atOnce }, come))
}

async function leaver(port: number, index: number, random: Random): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const closed = new Promise(resolve => socket.once('close', resolve))
  await once(socket, 'connect')
  await new Promise(resolve => socket.write(HEAD, resolve))
  if (index % 4 >= 2) await sleep(random.magnitude(1, STAYS_MS))
  if (index % 2 === 0) socket.resetAndDestroy()
  else socket.destroy()
  await closed
}
