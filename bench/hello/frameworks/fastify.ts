import type { Server } from 'node:http'
import underPressure from '@fastify/under-pressure'
import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'
import { governing, type InFront } from '../in-front.ts'

export async function fastify(inFront: InFront): Promise<Server> {
  const app = Fastify()
  const options = governing(inFront)
  if (options) await app.register(plimsoll, options)
  if (inFront === 'under-pressure') {
    await app.register(underPressure, {
      maxEventLoopDelay: 1_000,
      maxHeapUsedBytes: 2 ** 30,
      maxRssBytes: 2 ** 30,
      maxEventLoopUtilization: 0.98,
    })
  }
  app.get('/', async () => ({ hello: 'world' }))
  app.post('/', async request => ({ read: Object.keys(request.body as object).length }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
