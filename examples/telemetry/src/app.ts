import plimsoll from '@plimsoll/fastify'
import { instrumentGovernor } from '@plimsoll/opentelemetry'
import Fastify, { type FastifyInstance } from 'fastify'
import { prometheusOf } from './prometheus.ts'
import type { Telemetry } from './tracing.ts'

export interface AppOptions {
  /** Bytes, or a string with a unit. Default 'auto': from the container's limit. */
  readonly budget?: number | string
}

/** A server that takes uploads, and tells how it is. */
export async function buildApp(
  { fastify, spanProcessor }: Telemetry,
  options: AppOptions = {},
): Promise<FastifyInstance> {
  const { budget = 'auto' } = options
  const app = Fastify({ bodyLimit: 16 * 2 ** 20 })
  await app.register(fastify.plugin())
  await app.register(plimsoll, { budget, exempt: ({ url }) => url === '/metrics' || url === '/health' })
  const stop = instrumentGovernor(app.plimsoll, { spanProcessor })
  app.addHook('onClose', async () => stop())

  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.post('/uploads/:name', async request => ({ bytes: (request.body as Buffer).length }))
  app.get('/health', async () => app.plimsoll.health())
  const registry = prometheusOf(app.plimsoll, spanProcessor)
  app.get('/metrics', async (_request, reply) => {
    reply.type(registry.contentType)
    return registry.metrics()
  })
  return app
}
