import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { parseArgs, promisify } from 'node:util'
import { parseByteSize } from '@plimsoll/core'
import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'
import { PlainSemaphore } from '../flood/servers/plain-semaphore.ts'
import { BODY_BYTES, BUDGET, COST_OF_BYTE, KEY_ITERATIONS, PATH, QUEUE_TIMEOUT_MS } from './workload.ts'

/** A server that encrypts what it is sent, with a password: `server.ts --port 0 --front nothing`. */
const { values } = parseArgs({ options: { port: { type: 'string' }, front: { type: 'string' } } })
const derive = promisify(pbkdf2)
const app = Fastify({ bodyLimit: BODY_BYTES })

if (values.front === 'plimsoll') {
  await app.register(plimsoll, { budget: BUDGET, queue: { timeoutMs: QUEUE_TIMEOUT_MS } })
}
if (values.front === 'default') await app.register(plimsoll)
if (values.front === 'semaphore') {
  const semaphore = new PlainSemaphore(parseByteSize(BUDGET))
  app.addHook('onRequest', async ({ headers }, reply) => {
    const bytes = Number(headers['content-length'] ?? 0)
    // A probe costs nothing, and must not wait.
    if (bytes > 0) await semaphore.admit(reply.raw, bytes)
  })
}

app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
const cost = ({ declaredBytes = 0 }) => COST_OF_BYTE * declaredBytes
const config = values.front === 'plimsoll' ? { plimsoll: { cost } } : {}
app.post<{ Body: Buffer }>(PATH, { config }, async ({ body }) => ({ bytes: (await encrypted(body)).length }))

async function encrypted(body: Buffer): Promise<Buffer> {
  const salt = randomBytes(16)
  const key = await derive('a password', salt, KEY_ITERATIONS, 32, 'sha256')
  const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12))
  return Buffer.concat([salt, cipher.update(body), cipher.final(), cipher.getAuthTag()])
}

for (const path of ['/health', '/healthz']) app.get(path, async () => ({ ok: true }))

await app.listen({ port: Number(values.port), host: '127.0.0.1' })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
