import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Governor } from '@plimsoll/core'
import t, { type Test } from 'tap'
import type { ConfigOptions } from '../src/index.ts'
import { FrontProxy, haveHaproxy } from './fixtures/haproxy.ts'
import { until } from './fixtures/until.ts'

t.setTimeout(300_000)

const MIB = 2 ** 20

/** A pod whose budget holds two large uploads, behind a proxy; it answers /held when told. */
async function start(t: Test, options: Partial<ConfigOptions> = {}) {
  const governor = new Governor({ budget: 8 * MIB, exempt: ({ url }) => url === '/healthz' })
  const held: (() => void)[] = []
  const server = createServer(
    governor.listener((req, res) => {
      if (req.url === '/held') held.push(() => res.end('held'))
      else res.end('ok')
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const servers = [{ host: '127.0.0.1', port }]
  const proxy = await FrontProxy.start(t, { budget: 8 * MIB, requestSize: 4 * MIB, servers, ...options })
  await proxy.becomes('pod1', { status: 'UP' })
  return { governor, held, proxy, url: `http://127.0.0.1:${proxy.port}` }
}

const upload = (url: string, bytes = 4 * MIB) =>
  fetch(`${url}/held`, { method: 'PUT', body: Buffer.alloc(bytes) })

t.test('large ones wait in HAProxy, and small ones pass them', async t => {
  if (!(await haveHaproxy(t))) return
  const { governor, held, proxy, url } = await start(t)
  const uploads = Array.from({ length: 5 }, () => upload(url))
  await proxy.becomes('pod1', { scur: '2' })
  await until(async () => (await proxy.row('plimsoll', 'BACKEND')).qcur === '3', 'three that wait')
  // HAProxy has given a request away a moment before the pod has read it.
  await until(() => governor.stats().active === 2, 'two in the pod')
  t.match(governor.stats(), { active: 2, waiting: 0 }, 'none of them in the pod')

  t.equal(await (await fetch(url)).text(), 'ok')
  const short = await fetch(url, { method: 'POST', body: Buffer.alloc(65536) })
  t.equal(await short.text(), 'ok')
  t.equal((await proxy.row('plimsoll', 'BACKEND')).qcur, '3')
  for (let served = 0; served < 5; served++) {
    await until(() => held.length > 0, 'the next')
    held.shift()?.()
  }
  for (const { status } of await Promise.all(uploads)) t.equal(status, 200)
})

t.test('a body is large unless it is known to be small', async t => {
  if (!(await haveHaproxy(t))) return
  const { proxy } = await start(t, { largePaths: ['/big/'] })
  const total = async (backend: string): Promise<number> => Number((await proxy.row(backend, 'BACKEND')).stot)
  for (const [head, backend] of [
    ['GET / HTTP/1.1', 'plimsoll-small'],
    ['GET /big/file HTTP/1.1', 'plimsoll'],
    ['POST / HTTP/1.1\r\nContent-Length: 65536', 'plimsoll-small'],
    ['POST /big/ HTTP/1.1\r\nContent-Length: 1', 'plimsoll'],
    ['POST / HTTP/1.1\r\nContent-Length: 65537', 'plimsoll'],
    ['POST / HTTP/1.1\r\nContent-Length: 4294967297', 'plimsoll'],
    ['POST / HTTP/1.1\r\nContent-Length: 9007199254740991', 'plimsoll'],
    ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked', 'plimsoll'],
    ['GET / HTTP/1.1\r\nTransfer-Encoding: chunked', 'plimsoll'],
    ['POST / HTTP/1.1', 'plimsoll'],
  ] as const) {
    const before = await total(backend)
    const socket = connect(proxy.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`${head}\r\nHost: a\r\n\r\n`)
    await until(async () => (await total(backend)) === before + 1, `${head} in ${backend}`)
    socket.destroy()
    t.pass(`${JSON.stringify(head)} is for ${backend}`)
  }
})

t.test('who waited too long in HAProxy is told when to come back', async t => {
  if (!(await haveHaproxy(t))) return
  const { held, url } = await start(t, { queueTimeoutMs: 100 })
  const served = [upload(url), upload(url)]
  await until(() => held.length === 2, 'two that fill it')
  const late = request(`${url}/held`, { method: 'PUT', headers: { 'content-length': MIB } })
  late.write('a')
  const [response] = await once(late, 'response')
  t.equal(response.statusCode, 503)
  t.match(response.headers['retry-after'], /^([1-9]|10)$/)
  t.match(JSON.parse(await text(response)), { statusCode: 503, error: 'Service Unavailable' })
  late.destroy()
  for (const answer of held) answer()
  for (const { status } of await Promise.all(served)) t.equal(status, 200)
})

t.test('who left while waiting is not sent to a pod', async t => {
  if (!(await haveHaproxy(t))) return
  const { held, proxy, url } = await start(t, { largePaths: ['/held'] })
  const served = [upload(url), upload(url)]
  await until(() => held.length === 2, 'two that fill it')
  const abort = new AbortController()
  const left = fetch(`${url}/held`, { signal: abort.signal })
  await until(async () => (await proxy.row('plimsoll', 'BACKEND')).qcur === '1', 'one that waits')
  abort.abort()
  await t.rejects(left, { name: 'AbortError' })
  await until(async () => (await proxy.row('plimsoll', 'BACKEND')).qcur === '0', 'none')
  t.equal((await proxy.row('plimsoll', 'pod1')).stot, '2')
  for (const answer of held) answer()
  await Promise.all(served)
})
