import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Attempt } from '../fairness/load/attempt.ts'
import { followEvents } from '../fairness/load/event-client.ts'
import { halfHead } from '../fairness/load/half-head.ts'
import { slowReader } from '../fairness/load/slow-reader.ts'
import { stallingSender } from '../fairness/load/stalling-sender.ts'

const REFUSAL = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'
const MiB = 2 ** 20

/** A server of sockets that does so with each, once it has sent something. */
async function serve(t: Test, then: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer(socket => {
    socket.on('error', () => {}).once('data', () => then(socket))
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

const clients = {
  sender: (port: number, stop: AbortSignal) =>
    stallingSender(attempt(port, stop), { path: '/', declaredBytes: MiB, paidBytes: MiB / 2 }),
  reader: (port: number, stop: AbortSignal) => slowReader(attempt(port, stop), '/'),
  'half head': (port: number, stop: AbortSignal) => halfHead(attempt(port, stop), '/'),
}
let connections = 0
function attempt(port: number, stop: AbortSignal): Attempt {
  const connected = () => {
    connections++
  }
  return { port, address: '127.0.0.3', stop, connected }
}

for (const [name, stall] of Object.entries(clients)) {
  const ends = (port: number) => stall(port, new AbortController().signal)

  t.test(`a ${name} reads the status it is refused with`, async t => {
    t.equal(await ends(await serve(t, socket => socket.resume().write(REFUSAL))), '503')
  })

  t.test(`a ${name} hears of a reset`, async t => {
    t.equal(await ends(await serve(t, socket => socket.resetAndDestroy())), 'reset')
  })

  t.test(`a ${name} hears of a close`, async t => {
    t.equal(await ends(await serve(t, socket => socket.resume().end())), 'closed')
  })

  t.test(`a ${name} comes from its address`, async t => {
    let address: string | undefined
    const port = await serve(t, socket => {
      address = socket.remoteAddress
      socket.resetAndDestroy()
    })
    await ends(port)
    t.equal(address, '127.0.0.3')
  })

  t.test(`a ${name} goes when it is told to, and not before`, async t => {
    const stop = new AbortController()
    const port = await serve(t, () => stop.abort())
    t.equal(await stall(port, stop.signal), 'stopped')
  })
}

t.test('all of them have been counted as connected', async t => t.equal(connections, 15))

t.test('a reader hears of a reset behind megabytes that it has not read', async t => {
  const port = await serve(t, socket => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${8 * MiB}\r\n\r\n`)
    socket.write(Buffer.alloc(8 * MiB))
    setTimeout(() => socket.resetAndDestroy(), 200)
  })
  t.equal(await clients.reader(port, new AbortController().signal), 'reset')
})

t.test('a stream that is cut is not served, one that stays is', async t => {
  const over = new AbortController()
  let requests = 0
  const server = http.createServer((_req, res) => {
    res.write(': hello\n\n')
    if (++requests === 1) setTimeout(() => res.destroy(), 50)
    else setTimeout(() => over.abort(), 200)
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  t.match(await followEvents(port, over.signal), { answered: false, status: 'ECONNRESET' })
  t.match(await followEvents(port, over.signal), { answered: true, status: '200' })
})
