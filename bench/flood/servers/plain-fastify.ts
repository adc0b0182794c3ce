import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { wholeBody } from '../../../examples/object-store/src/whole-body.ts'
import { downloads, governorOptions, metrics, options, store, untuned, uploads } from './object-store.ts'

/** The routes that the flood uses, behind Fastify 5. It says itself what they cost only where that was recommended. */
const app = Fastify({ bodyLimit: options.bodyLimit })
if (options.governed) await app.register(import('@plimsoll/fastify'), governorOptions)

app.addContentTypeParser('*', wholeBody)

app.put<{ Params: { key: string }; Body?: Buffer }>(
  '/objects/:key',
  { config: untuned ? {} : { plimsoll: uploads } },
  async ({ params, body }, reply) => {
    const bytes = body ?? Buffer.alloc(0)
    const created = await store.put(params.key, bytes)
    return reply.code(created ? 201 : 200).send({ key: params.key, bytes: bytes.length })
  },
)

app.get<{ Params: { key: string } }>(
  '/objects/:key',
  { config: untuned ? {} : { plimsoll: downloads } },
  async ({ params }, reply) => {
    const object = await store.open(params.key)
    const { bytes } = object.header
    return reply.type('application/octet-stream').header('content-length', bytes).send(store.read(object))
  },
)

app.get('/report', () => (options.governed ? app.plimsoll.report() : undefined))

app.get('/health', () => ({ status: 'ok' }))

app.get('/metrics', (_request, reply) =>
  reply.type('text/plain').send(metrics(options.governed ? app.plimsoll.stats() : undefined)),
)

await app.listen({ port: options.port, host: options.host })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
