import { once } from 'node:events'
import { request } from 'node:http'
import t from 'tap'
import { answerOf, head, open, RawClient } from './fixtures/client.ts'
import { governedApp, KiB, MiB } from './fixtures/governed-app.ts'
import { lingeredInVain } from './fixtures/timers.ts'
import { soon, until } from './fixtures/until.ts'

const BODY = Buffer.alloc(32 * MiB, 'x')
const TIMES = 20

/** Sends 32 MiB in one go with Node's client, and tells what it came to know. */
async function upload(port: number, headers: Record<string, string | number>): Promise<unknown> {
  const req = request({ host: '127.0.0.1', port, path: '/next', method: 'POST', headers })
  return new Promise(resolve => {
    // What comes first: a client that was reset has no status to show.
    req.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    req.on('response', res => {
      res.resume()
      res.on('end', () => resolve(res.statusCode))
      res.on('error', () => resolve('the answer broke off'))
    })
    req.end(BODY)
  })
}

// First of all, since clients of the others may be cut while it runs.
t.test('a refused client that leaves at its answer is let go at once', async t => {
  const server = await governedApp(t)
  const req = open(server.port, '/next', {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'content-length': BODY.length },
  })
  req.write(BODY.subarray(0, MiB))
  t.equal((await answerOf(req)).status, 413)
  req.destroy()
  await server.leavesNothing(t)
  t.equal(lingeredInVain(), 0)
})

const CASES = [
  ['a length over the limit', 413, { 'content-length': BODY.length }, false],
  ['a chunked body over the limit', 413, { 'transfer-encoding': 'chunked' }, false],
  ['a full queue', 503, { 'content-length': BODY.length }, true],
  ['a full queue, chunked', 503, { 'transfer-encoding': 'chunked' }, true],
] as const

for (const [why, status, framing, full] of CASES) {
  t.test(
    `an uploader of 32 MiB refused for ${why} reads its ${status}, ${TIMES} times of ${TIMES}`,
    async t => {
      const server = await governedApp(t, {
        server: { bodyLimit: full ? 64 * MiB : MiB },
        options: { budget: '64MiB', queue: { limit: 0 } },
      })
      const taken = full ? server.governor.budget.tryAcquire('64MiB') : undefined
      const headers = { 'content-type': 'text/plain', ...framing }
      const seen: unknown[] = []
      for (let i = 0; i < TIMES; i++) seen.push(await soon(upload(server.port, headers), 'an outcome'))
      t.strictSame(seen, Array(TIMES).fill(status))
      taken?.release()
      await server.leavesNothing(t)
    },
  )
}

t.test('a refused client that sends all before it reads gets its answer', async t => {
  const server = await governedApp(t)
  for (const framing of [{ 'content-length': BODY.length }, { 'transfer-encoding': 'chunked' }]) {
    const client = await RawClient.to(server.port)
    client.socket.pause()
    client.write(head('POST /next', { 'content-type': 'text/plain', ...framing }))
    const [piece, chunk] = [BODY.subarray(0, MiB), `${MiB.toString(16)}\r\n`]
    for (let sent = 0; sent < 32; sent++) {
      if ('transfer-encoding' in framing) client.write(chunk)
      client.write(piece)
      if ('transfer-encoding' in framing) client.write('\r\n')
      if (client.socket.writableNeedDrain) await soon(once(client.socket, 'drain'), 'the server to take it')
    }
    await until(() => client.socket.writableLength === 0, 'all to be sent')
    client.socket.resume()
    await soon(client.closed, 'the connection to close')
    t.match(client.received, /^HTTP\/1\.1 413 [\s\S]+"statusCode":413/)
    await server.leavesNothing(t)
  }
})

t.test('what a refused client sends on is no request', async t => {
  const urls: string[] = []
  const server = await governedApp(t, {
    routes: app => {
      // Of the parser itself, before anything else may have a say.
      app.server.on('request', request => urls.push(request.url as string))
      app.get('/smuggled', async () => 'never')
    },
  })
  const client = await RawClient.to(server.port)
  // At once: a client that waits for its answer is told that the connection ends, and sends no more.
  client.write(head('POST /next', { 'content-type': 'text/plain', 'content-length': 2 * MiB }))
  client.write(Buffer.alloc(2 * MiB))
  client.write(head('GET /smuggled'))
  client.socket.end()
  await until(() => server.connections.size === 0, 'the connection to close')
  t.strictSame(client.answers, [413])
  t.strictSame(urls, ['/next'])
  await server.leavesNothing(t)
})

t.test('a chunked upload is cut where it passes its limit, and not read to its end', async t => {
  const server = await governedApp(t, { options: { budget: '1MiB', maxBody: 64 * KiB } })
  const client = await RawClient.to(server.port)
  client.write(head('POST /next', { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }))
  const chunk = Buffer.concat([Buffer.from('1000\r\n'), Buffer.alloc(4096), Buffer.from('\r\n')])
  for (let sent = 0; sent < 16; sent++) client.write(chunk)
  await until(() => server.governor.stats().paidIn === 64 * KiB, 'all that is allowed')
  t.strictSame(client.answers, [])
  client.write(chunk)
  await client.reads(/^HTTP\/1\.1 413 /)
  client.destroy()
  await server.leavesNothing(t)
})
