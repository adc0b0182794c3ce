import type { Server } from 'node:http'
import type { Http2Server } from 'node:http2'
import underPressure from '@fastify/under-pressure'
import plimsoll from '@plimsoll/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import { download, downloadHeaders, hello } from '../answers.ts'
import type { Protocol } from '../contenders.ts'
import { governing, type InFront, pressureLimits } from '../in-front.ts'

export async function fastify(inFront: InFront, protocol: Protocol): Promise<Server | Http2Server> {
  // Its types tell these apart, and what is done with them is the same.
  const app = (protocol === 'HTTP/2' ? Fastify({ http2: true }) : Fastify()) as FastifyInstance
  const options = governing(inFront)
  if (options) await app.register(plimsoll, options)
  if (inFront === 'under-pressure') await app.register(underPressure, pressureLimits)
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  app.get('/', async () => hello)
  app.post('/', async request => ({ read: Object.keys(request.body as object).length }))
  app.post('/upload', async request => ({ read: (request.body as Buffer).length }))
  app.get('/download', (_request, reply) => reply.headers(downloadHeaders).send(download()))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
