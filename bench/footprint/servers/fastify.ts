import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import { fastifyReadBody } from '@plimsoll/work'
import fastify, { type FastifyRequest } from 'fastify'
import { lookInside } from '../../flood/servers/inside.ts'
import { directory, holdTogether, LARGEST, port } from './server.ts'

const app = fastify({ bodyLimit: LARGEST })
const hold = ({ body, headers }: FastifyRequest) => holdTogether(body, headers)

// JSON and text are parsed by Fastify itself.
app.post('/json', hold)
app.post('/text', hold)

await app.register(formbody)
app.post('/form', hold)

await app.register(async app => {
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_req, body, done) =>
    done(null, body),
  )
  app.post('/buffer', hold)
})

await app.register(async app => {
  app.addContentTypeParser('application/octet-stream', fastifyReadBody)
  app.post('/read-body', hold)
})

await app.register(async app => {
  await app.register(multipart, { limits: { fileSize: LARGEST } })
  app.post('/multipart', async request => {
    const file = await request.file()
    return holdTogether(await file?.toBuffer(), request.headers)
  })
  app.post('/multipart-disk', async request => {
    const file = await request.file()
    if (file) await toDisk(file.file)
    return holdTogether(file, request.headers)
  })
})

await app.register(async app => {
  app.addContentTypeParser('application/octet-stream', (_req, payload, done) => done(null, payload))
  app.post('/stream', async ({ body, headers }) => {
    await toDisk(body as Readable)
    return holdTogether(undefined, headers)
  })
})

app.get('/inside', () => lookInside(undefined, true))
app.get('/health', () => ({ status: 'ok' }))

await app.listen({ port, host: '127.0.0.1' })
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))

function toDisk(source: Readable): Promise<void> {
  return pipeline(source, createWriteStream(join(directory, randomUUID())))
}
