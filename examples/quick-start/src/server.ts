import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'

const app = Fastify({ bodyLimit: 8 * 2 ** 20 })

await app.register(plimsoll, { budget: '64MiB' })

// The declared body is the default. JSON takes up to six times that: its bytes, their text, what is parsed from it.
const json = { plimsoll: { cost: { fixed: '64KiB', perByte: 6 } } }

app.post('/documents', { config: json }, async request => ({
  stored: JSON.stringify(request.body).length,
}))

// Without a body a request costs nothing, until its route says so. Here: two images of 8 MiB.
app.get('/thumbnail', { config: { plimsoll: { cost: '16MiB' } } }, async request => ({
  held: request.plimsoll.bytes,
}))

app.get('/health', { config: { plimsoll: false } }, async () => 'ok')

await app.listen({ port: Number(process.env.PORT ?? 3000) })
