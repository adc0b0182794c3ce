import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'

const app = Fastify({ bodyLimit: 64 * 2 ** 20 })

// A budget of 'auto': this worker's part of the container.
await app.register(plimsoll)

app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

app.post<{ Body: Buffer }>('/uploads', async ({ body }) => ({
  worker: process.pid,
  budget: app.plimsoll.budget.capacity,
  sha256: createHash('sha256').update(body).digest('hex'),
}))

app.get('/health', { config: { plimsoll: false } }, async () => app.plimsoll.health())

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await app.close()
    // Else its channel to the primary keeps it alive.
    process.disconnect()
  })
}

await app.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port, worker: process.pid }))
