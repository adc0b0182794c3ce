import type { AddressInfo } from 'node:net'
import { parseArgs, promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { parseByteSize } from '@plimsoll/core'
import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'
import { PlainSemaphore } from '../flood/servers/plain-semaphore.ts'
import { BODY_BYTES, BUDGET, PATH, QUEUE_TIMEOUT_MS } from './workload.ts'

/** A server that compresses what it is sent: `server.ts --port 0 --front nothing`. */
const { values } = parseArgs({ options: { port: { type: 'string' }, front: { type: 'string' } } })
const compress = promisify(gzip)
const app = Fastify({ bodyLimit: BODY_BYTES })

if (values.front === 'plimsoll') {
  await app.register(plimsoll, { budget: BUDGET, queue: { timeoutMs: QUEUE_TIMEOUT_MS } })
}
if (values.front === 'semaphore') {
  const semaphore = new PlainSemaphore(parseByteSize(BUDGET))
  app.addHook('onRequest', async ({ headers }, reply) => {
    const bytes = Number(headers['content-length'] ?? 0)
    // A probe costs nothing, and must not wait.
    if (bytes > 0) await semaphore.admit(reply.raw, bytes)
  })
}

app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post<{ Body: Buffer }>(PATH, async ({ body }) => ({ bytes: (await compress(body)).length }))
app.get('/health', async () => ({ ok: true }))

await app.listen({ port: Number(values.port), host: '127.0.0.1' })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
