import { connect, type Socket } from 'node:net'
import t from 'tap'
import { Governor } from '../src/governor.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const MiB = 2 ** 20

const answerLength: Listener = async (req, res) => {
  let length = 0
  for await (const part of req) length += part.length
  res.end(String(length))
}

function stall(port: number, declared: number, paid: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${declared}\r\n\r\n`)
  socket.write(Buffer.alloc(paid))
  return socket
}

t.test('whoever stalls lends what it has not sent, and is not cut where that is enough', async t => {
  const governor = new Governor({ budget: 64 * MiB, logger: silent })
  const server = PROTOCOLS.http.create(governor.listener(answerLength))
  const port = await listening(t, server)
  const sockets = Array.from({ length: 64 }, () => stall(port, 16 * MiB, 1))
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  await until(() => governor.stats().waiting === 60, '60 waiting')
  const client = PROTOCOLS.http.connect(port)
  const started = performance.now()
  t.match(await client.post('x'.repeat(16 * MiB)), { status: 200 })
  console.error('after', performance.now() - started, governor.stats())
  for (const s of sockets) s.destroy()
  await until(() => isIdle(governor), 'an idle governor')
})
