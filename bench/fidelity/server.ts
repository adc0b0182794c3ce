import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import multipart from '@fastify/multipart'
import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'
import { gc } from '../flood/servers/inside.ts'
import { type InsideSample, LOOK_EVERY_MS } from './sample.ts'

/** What servers do with bodies, and what Plimsoll thinks it costs where nobody says: `server.ts --port 0 --budget 64MiB [--collect]`. */
const { values } = parseArgs({
  options: { port: { type: 'string' }, budget: { type: 'string' }, collect: { type: 'boolean' } },
})
const BODY_LIMIT = 16 * 2 ** 20
const FRAME_BYTES = 2 ** 20
/** What a handler waits for, with its body in hand. */
const DATABASE_MS = 30

const app = Fastify({ bodyLimit: BODY_LIMIT })
await app.register(plimsoll, { budget: values.budget ?? '64MiB' })
await app.register(multipart, { limits: { fileSize: BODY_LIMIT } })
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
)

app.post<{ Body: Buffer }>('/upload', async ({ body }) => {
  await sleep(DATABASE_MS)
  return { bytes: body.length }
})
app.post<{ Body: readonly unknown[] }>('/json', async ({ body }) => {
  await sleep(DATABASE_MS)
  return { rows: body.length }
})
app.post('/parts', async request => {
  const files: Buffer[] = []
  for await (const part of request.files()) files.push(await part.toBuffer())
  await sleep(DATABASE_MS)
  return { bytes: files.reduce((sum, file) => sum + file.length, 0) }
})
app.get<{ Params: { bytes: string } }>('/download/:bytes', ({ params }, reply) =>
  reply
    .headers({ 'content-type': 'application/octet-stream', 'content-length': params.bytes })
    .send(Readable.from(frames(Number(params.bytes)), { objectMode: false, highWaterMark: FRAME_BYTES })),
)

/** Fresh ones, as they come from a disk or a cipher. */
function* frames(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= FRAME_BYTES) yield Buffer.alloc(Math.min(left, FRAME_BYTES), 'x')
}

const samples: InsideSample[] = []
setInterval(() => {
  if (values.collect) gc()
  samples.push(look())
}, LOOK_EVERY_MS).unref()

function look(): InsideSample {
  const { reserved, lane, paidIn, active, waiting } = app.plimsoll.stats()
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    at: Date.now(),
    reserved: reserved + lane.reserved,
    paidIn,
    active,
    waiting,
    rss,
    heapUsed,
    external,
  }
}

app.get('/idle', { config: { plimsoll: false } }, async () => {
  gc()
  await sleep(500)
  samples.length = 0
  return look()
})
app.get('/samples', { config: { plimsoll: false } }, async () => samples)
app.get('/health', async () => ({ ok: true }))

await app.listen({ port: Number(values.port), host: '127.0.0.1' })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
