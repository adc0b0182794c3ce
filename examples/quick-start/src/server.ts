import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'

const app = Fastify({ bodyLimit: 16 * 2 ** 20 })

await app.register(plimsoll, { budget: '64MiB' })

app.post('/documents', async request => ({ stored: JSON.stringify(request.body).length }))

// Two images of 8 MiB are in memory while this one runs. The declared body is the default.
app.get('/thumbnail', { config: { plimsoll: { cost: '16MiB' } } }, async request => ({
  held: request.plimsoll.bytes,
}))

app.get('/health', { config: { plimsoll: false } }, async () => 'ok')

await app.listen({ port: Number(process.env.PORT ?? 3000) })
