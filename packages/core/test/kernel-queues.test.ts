import { once } from 'node:events'
import { rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { KernelQueues } from '../src/kernel-queues.ts'
import { anyValue } from './fixtures/any-value.ts'
import { until } from './fixtures/until.ts'

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0200007F:C350 01 0000FF00:00000000 01:00000014 00000000     0        0 1 1 0 20 4 30 10 -1
   1: 0100007F:1F90 0100007F:C350 01 00000007:00000000 01:00000014 00000000     0        0 1 1 0 20 4 30 10 -1
   2: 0000000000000000FFFF00000100007F:1F91 0000000000000000FFFF00000200007F:C351 01 00000011:00000000 01:0 0 0
   3: B80D01200000000000000000010000FF:0050 B80D01200000000000000000020000FF:C352 01 00000012:00000000 01:0 0 0
`

const socket = (
  localPort: number,
  remoteAddress: string,
  remotePort: number,
  localAddress = '127.0.0.1',
): Socket => anyValue<Socket>({ localAddress, localPort, remoteAddress, remotePort })

t.test('what is not acknowledged is found by both ends of a connection', async t => {
  const file = join(t.testdir(), 'tcp')
  writeFileSync(file, table)
  const queues = new KernelQueues([file])
  t.equal(queues.unacknowledged(socket(8080, '127.0.0.2', 50_000)), undefined, 'before they are read')
  t.equal(queues.refresh(), true)
  t.equal(queues.unacknowledged(socket(8080, '127.0.0.2', 50_000)), 0xff00)
  t.equal(queues.unacknowledged(socket(8080, '127.0.0.1', 50_000)), 7)
  t.equal(queues.unacknowledged(socket(8081, '::ffff:127.0.0.2', 50_001, '::ffff:127.0.0.1')), 0x11)
  t.equal(queues.unacknowledged(socket(80, '2001:db8::ff00:2', 50_002, '2001:db8::ff00:1')), 0x12)
  t.equal(queues.unacknowledged(socket(8080, '127.0.0.3', 50_000)), undefined)
  t.equal(queues.unacknowledged(anyValue<Socket>({})), undefined, 'a socket that is none')
})

t.test('a port of two addresses is two, which one client may reach from one port of its own', async t => {
  const file = join(t.testdir(), 'tcp')
  writeFileSync(file, `${table}   4: 0300007F:1F90 0100007F:C350 01 00000000:00000000 01:00000014 0 0 0\n`)
  const queues = new KernelQueues([file])
  t.equal(queues.refresh(), true)
  t.equal(queues.unacknowledged(socket(8080, '127.0.0.1', 50_000)), 7)
  t.equal(queues.unacknowledged(socket(8080, '127.0.0.1', 50_000, '127.0.0.3')), 0)
})

t.test('where there are no tables they are not read again', async t => {
  const file = join(t.testdir(), 'tcp')
  const queues = new KernelQueues([file])
  t.equal(queues.refresh(), false)
  writeFileSync(file, table)
  t.equal(queues.refresh(), false)
})

t.test('nor where there are none any more', async t => {
  const file = join(t.testdir({ tcp: table }), 'tcp')
  const queues = new KernelQueues([file])
  t.equal(queues.exist, true)
  rmSync(file)
  t.equal(queues.refresh(), false)
  t.equal(queues.exist, false)
})

t.test('a kernel without IPv6 has one of them', async t => {
  const dir = t.testdir({ tcp: table })
  for (const tables of [
    [join(dir, 'tcp'), join(dir, 'tcp6')],
    [join(dir, 'tcp6'), join(dir, 'tcp')],
  ]) {
    const queues = new KernelQueues(tables)
    t.equal(queues.refresh(), true)
    t.equal(queues.unacknowledged(socket(8080, '127.0.0.1', 50_000)), 7)
  }
})

t.test('where a flood of connections has taken the last descriptor, they are read later', async t => {
  const folder = t.testdir({ tcp: {} })
  // Opened, but not to be read now: EISDIR is as good as EMFILE.
  const queues = new KernelQueues([join(folder, 'tcp')])
  t.equal(queues.refresh(), false)
  rmdirSync(join(folder, 'tcp'))
  writeFileSync(join(folder, 'tcp'), table)
  t.equal(queues.refresh(), true)
})

t.test('reading them takes no more than a part of the time', async t => {
  const file = join(t.testdir(), 'tcp')
  writeFileSync(file, table)
  const queues = new KernelQueues([file])
  const { now } = performance
  t.teardown(() => Object.assign(performance, { now }))
  const readings = [0, 10, 400, 509, 510, 520]
  Object.assign(performance, { now: () => readings.shift() })
  t.equal(queues.refresh(), true, 'took 10 ms')
  t.equal(queues.refresh(), false, 'after 390')
  t.equal(queues.refresh(), false, 'after 499')
  t.equal(queues.refresh(), true, 'after 500')
})

t.test('the kernel tells of a real connection what its client has not taken', async t => {
  for (const [address, client] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::', '127.0.0.1'],
  ] as const) {
    const server = createServer().listen(0, address)
    await once(server, 'listening')
    const reader = connect((server.address() as AddressInfo).port, client)
    reader.pause()
    const [accepted] = (await once(server, 'connection')) as [Socket]
    const queues = new KernelQueues()
    if (queues.refresh()) {
      t.equal(queues.unacknowledged(accepted), 0)
      accepted.on('error', () => {}).write(Buffer.alloc(2 ** 25))
      await until(() => {
        const now = new KernelQueues()
        now.refresh()
        return (now.unacknowledged(accepted) ?? 0) > 2 ** 16
      }, 'what waits in the kernel')
    } else t.not(process.platform, 'linux')
    reader.destroy()
    accepted.destroy()
    server.close()
  }
})
