import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import t from 'tap'
import { resetSocket } from '../src/reset-socket.ts'
import { CERTIFICATE } from './fixtures/certificate.ts'
import { pipePath } from './fixtures/pipe-path.ts'
import { until } from './fixtures/until.ts'

const MiB = 2 ** 20

type Listener = http.RequestListener

for (const [name, create, connect, event] of [
  [
    'TCP',
    (listener: Listener) => http.createServer(listener),
    (port: number) => connectPlain(port, '127.0.0.1'),
    'connect',
  ],
  [
    'TLS',
    (listener: Listener) => https.createServer(CERTIFICATE, listener),
    (port: number) => connectSecure({ port, host: '127.0.0.1', ca: CERTIFICATE.cert }),
    'secureConnect',
  ],
] as const) {
  t.test(`${name}: nothing of what is not taken stays in the kernel`, async t => {
    let socket: Socket | undefined
    const server = create((req, res) => {
      socket = req.socket
      res.end(Buffer.alloc(16 * MiB))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const client: Socket = connect(port)
    t.teardown(() => client.destroy())
    client.on('error', () => {})
    await once(client, event)
    client.pause()
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => (socket?.bytesWritten ?? 0) > MiB, 'an answer that is not taken')
    const closed = once(socket as Socket, 'close')
    resetSocket(socket as Socket)
    await closed
    if (process.platform !== 'linux') return
    const end = `:${port.toString(16).toUpperCase().padStart(4, '0')} 0100007F:${client.localPort?.toString(16).toUpperCase().padStart(4, '0')}`
    t.notMatch(readFileSync('/proc/self/net/tcp', 'latin1'), end)
  })
}

t.test('what has no reset is closed', async t => {
  const path = pipePath('reset')
  const server = http.createServer(req => resetSocket(req.socket))
  await once(server.listen(path), 'listening')
  t.teardown(() => server.close())
  const client = connectPlain(path)
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  client.on('error', () => {})
  await once(client, 'close')
  t.pass('it is closed')
})
