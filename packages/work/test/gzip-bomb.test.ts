import { createGzip, gzipSync } from 'node:zlib'
import t from 'tap'
import { readBounded } from '../src/read-bounded.ts'
import { clients } from './fixtures/clients.ts'
import { type Answering, Upstream } from './fixtures/upstream.ts'

const MiB = 2 ** 20
const LIMIT = MiB
/** What the clients and decoders have in hand beside it; all of it would be 64. */
const ROOM = 16 * MiB

async function bomb(): Promise<Buffer> {
  const gzip = createGzip({ level: 9 })
  const zeroes = Buffer.alloc(MiB)
  const parts: Buffer[] = []
  gzip.on('data', part => parts.push(part))
  for (let n = 0; n < 64; n++) await new Promise(resolve => gzip.write(zeroes, resolve))
  await new Promise<void>(resolve => gzip.end(resolve))
  return Buffer.concat(parts)
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

t.test('64 MiB that are sent as 64 KiB take no more than their limit', async t => {
  const sent = await bomb()
  t.ok(sent.length < 70_000, `${sent.length} bytes are sent`)
  for (const client of clients.filter(({ name }) => name !== "undici's body")) {
    for (const protocol of client.protocols) {
      const upstream = await Upstream.start(t, protocol, (res: Answering) => {
        res.setHeader('Content-Encoding', 'gzip')
        res.setHeader('Content-Length', sent.length)
        res.end(sent)
      })
      const { get, close } = client.open(upstream)
      const source = await get()
      globalThis.gc?.()
      const before = memory()
      let peak = 0
      const sampling = setInterval(() => {
        peak = Math.max(peak, memory() - before)
      }, 1)
      await t.rejects(readBounded(source, LIMIT), { code: 'ERR_PLIMSOLL_RESPONSE_TOO_LARGE', limit: LIMIT })
      peak = Math.max(peak, memory() - before)
      clearInterval(sampling)
      t.ok(peak < ROOM, `${client.name}, ${protocol}: ${(peak / MiB).toFixed(1)} MiB`)
      await upstream.idle(1)
      await close()
    }
  }
})

t.test('nor does a bomb within a bomb', async t => {
  const sent = gzipSync(await bomb())
  globalThis.gc?.()
  const before = memory()
  const body = new Blob([sent]).stream()
  const headers = { 'content-encoding': 'gzip, gzip' }
  await t.rejects(readBounded({ body, headers }, LIMIT), { code: 'ERR_PLIMSOLL_RESPONSE_TOO_LARGE' })
  t.ok(memory() - before < ROOM, `${((memory() - before) / MiB).toFixed(1)} MiB`)
})
