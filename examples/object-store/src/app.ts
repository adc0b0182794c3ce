import type { GovernorOptions } from '@plimsoll/fastify'
import Fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import { FRAME_BYTES } from './frame-layout.ts'
import { LiveFrames } from './live-frames.ts'
import { renderMetrics } from './metrics.ts'
import { checkObjectKey } from './object-key.ts'
import { ObjectStore } from './object-store.ts'
import { s3 } from './s3/s3.ts'
import type { S3Storage } from './s3/s3-storage.ts'
import type { Storage } from './storage.ts'
import { wholeBody } from './whole-body.ts'

export interface AppOptions {
  readonly storage: Storage
  /** Default: none, and the server does not speak S3. */
  readonly s3Storage?: S3Storage
  /** 32 bytes. */
  readonly masterKey: Buffer
  /** Default true. */
  readonly governed?: boolean
  /** Bytes, or a string with a unit. Default 'auto': from the container's limit. */
  readonly budget?: number | string
  /** What else the plugin is told. Default: nothing. */
  readonly limits?: Pick<GovernorOptions, 'share' | 'health' | 'queue'>
  /** Bytes of the largest object. Default 64 MiB. */
  readonly bodyLimit?: number
  /** Default: none. */
  readonly logger?: FastifyServerOptions['logger']
}

interface Keyed {
  Params: { key: string }
}

const UNGOVERNED = { live: true, ready: true, reasons: [] }

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const {
    storage,
    s3Storage,
    masterKey,
    governed = true,
    budget = 'auto',
    limits = {},
    bodyLimit = 64 * 1024 * 1024,
  } = options
  const app = Fastify({
    logger: options.logger ?? false,
    // The router's own limit of 100 characters would answer 404 to long keys, good and bad.
    routerOptions: { maxParamLength: 16 * 1024 },
  })
  const liveFrames = new LiveFrames()
  const store = new ObjectStore(storage, masterKey, liveFrames)

  // ── Governed: this line, and `config.plimsoll` and `request.plimsoll` below. Nothing else knows of it. ──
  // Imported here, so that the ungoverned server is one without Plimsoll and not one in which it idles.
  if (governed) await app.register(import('@plimsoll/fastify'), { budget, ...limits })

  // Every body is one Buffer, JSON too.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', wholeBody)

  app.put<Keyed & { Body?: Buffer }>(
    '/objects/:key',
    {
      onRequest: refuseBadKey,
      bodyLimit,
      // The body, and a frame of its ciphertext. The first is what Plimsoll reserves by itself.
      config: {
        plimsoll: { cost: ({ declaredBytes = 0 }) => declaredBytes + Math.min(declaredBytes, FRAME_BYTES) },
      },
    },
    async (request, reply) => {
      // Fastify parses no body where neither a type nor a length is given.
      const body = request.body ?? Buffer.alloc(0)
      const created = await store.put(request.params.key, body)
      return reply.code(created ? 201 : 200).send({ key: request.params.key, bytes: body.length })
    },
  )

  app.get<Keyed>(
    '/objects/:key',
    {
      onRequest: refuseBadKey,
      exposeHeadRoute: false,
      // A frame of ciphertext and its plaintext, whatever the object's size: the next frame is read only when
      // the socket has taken this one.
      config: { plimsoll: { cost: 2 * FRAME_BYTES } },
    },
    async (request, reply) => {
      const object = await store.open(request.params.key)
      const { bytes } = object.header
      // The size is known only now, and a small object's rest is somebody else's room.
      if (bytes < FRAME_BYTES) request.plimsoll?.shrink(2 * bytes)
      return reply.type('application/octet-stream').header('content-length', bytes).send(store.read(object))
    },
  )

  app.head<Keyed>('/objects/:key', { onRequest: refuseBadKey }, async (request, reply) => {
    const object = await store.open(request.params.key)
    await object.close()
    return reply.type('application/octet-stream').header('content-length', object.header.bytes).send()
  })

  app.delete<Keyed>('/objects/:key', { onRequest: refuseBadKey }, async (request, reply) => {
    await store.delete(request.params.key)
    return reply.code(204).send()
  })

  app.get('/objects', () => store.list())

  // Asked by those who decide whether this process lives: they never wait behind uploads.
  app.get('/health', { config: { plimsoll: false } }, async () => ({ status: 'ok' }))

  // A server that is not live is to be restarted, one that is not ready is to be sent nothing for a while.
  app.get('/healthz', { config: { plimsoll: false } }, async (_request, reply) => {
    const health = governed ? app.plimsoll.health() : UNGOVERNED
    return reply.code(health.live ? 200 : 503).send(health)
  })

  app.get('/readyz', { config: { plimsoll: false } }, async (_request, reply) => {
    const health = governed ? app.plimsoll.health() : UNGOVERNED
    return reply.code(health.ready ? 200 : 503).send(health)
  })

  app.get('/metrics', { config: { plimsoll: false } }, async (_request, reply) =>
    reply
      .type('text/plain; version=0.0.4')
      .send(renderMetrics(liveFrames, governed ? app.plimsoll.stats() : {})),
  )

  if (s3Storage) await app.register(s3, { storage: s3Storage, masterKey, liveFrames, bodyLimit })

  return app
}

/** Before the body is read: nobody should send 64 MiB to learn that their key has a slash in it. */
async function refuseBadKey(request: FastifyRequest): Promise<void> {
  checkObjectKey((request.params as Keyed['Params']).key)
}
