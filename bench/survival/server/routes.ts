import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import compress from '@fastify/compress'
import { fanOut, type RequestReservation, readBounded, type Task } from '@plimsoll/work'
import type { FastifyInstance } from 'fastify'
import { LiveFrames } from '../../../examples/object-store/src/live-frames.ts'
import { MemoryStorage } from '../../../examples/object-store/src/memory-storage.ts'
import { ObjectStore } from '../../../examples/object-store/src/object-store.ts'
import { wholeBody } from '../../../examples/object-store/src/whole-body.ts'
import { FAN_OUT, STORED_BYTES } from '../rows.ts'
import { costs } from './costs.ts'

/** Nothing that is sent in a row is larger. */
export const BODY_LIMIT = 16 * 2 ** 20
/** Of all requests together: as many as one of those sends that are not governed. */
const CALLS = { name: 'upstream', concurrency: FAN_OUT.calls }
/** What a handler waits for, with its body in hand. */
const DATABASE_MS = 50

/** What the rows ask for. What a route costs is said to Plimsoll only, and only where it is told its budget too. */
export async function declareRoutes(app: FastifyInstance, upstream: string): Promise<void> {
  await app.register(objects)
  await app.register(bodies)
  app.get('/fan-out', async ({ plimsoll }) => {
    const answers = await (plimsoll === undefined ? askAll(upstream) : askAllGoverned(upstream, plimsoll))
    return { bytes: answers.reduce((sum, { byteLength }) => sum + byteLength, 0) }
  })
}

/** As it is mostly written. */
function askAll(upstream: string): Promise<ArrayBuffer[]> {
  return Promise.all(Array.from({ length: FAN_OUT.calls }, async () => (await fetch(upstream)).arrayBuffer()))
}

/** As the README of `@plimsoll/work` has it: it waits its turn for what it will hold, and calls of all requests share a limit. */
async function askAllGoverned(upstream: string, reservation: RequestReservation): Promise<Buffer[]> {
  await reservation.requeue(FAN_OUT.calls * FAN_OUT.bytes)
  const calls = Array.from(
    { length: FAN_OUT.calls },
    (): Task<Buffer> => async signal => readBounded(await fetch(upstream, { signal }), FAN_OUT.bytes),
  )
  return fanOut(calls, { reservation, concurrency: CALLS.concurrency / 4, shared: CALLS })
}

/** The example's object store, in memory: encrypted in frames of 8 MiB. */
async function objects(app: FastifyInstance): Promise<void> {
  const store = new ObjectStore(new MemoryStorage(), randomBytes(32), new LiveFrames())
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', wholeBody)

  app.put<{ Params: { key: string }; Body: Buffer }>(
    '/objects/:key',
    // What is downloaded was uploaded beforehand, whole.
    { config: costs('upload'), bodyLimit: STORED_BYTES },
    async ({ params, body }, reply) => {
      const created = await store.put(params.key, body)
      return reply.code(created ? 201 : 200).send({ key: params.key, bytes: body.length })
    },
  )

  app.get<{ Params: { key: string } }>(
    '/objects/:key',
    { config: costs('download') },
    async ({ params }, reply) => {
      const object = await store.open(params.key)
      reply.type('application/octet-stream').header('content-length', object.header.bytes)
      return reply.send(store.read(object))
    },
  )
}

/** What Fastify and its plugins read. */
async function bodies(app: FastifyInstance): Promise<void> {
  await app.register(compress, { globalCompression: false })
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_req, body, done) =>
    done(null, body),
  )

  app.post<{ Body: readonly unknown[] }>('/json', { config: costs('json') }, async ({ body }) => {
    await sleep(DATABASE_MS)
    return { rows: body.length }
  })

  app.post<{ Body: Buffer }>('/buffer', { config: costs('buffer') }, async ({ body }) => {
    await sleep(DATABASE_MS)
    return { bytes: body.length }
  })
}
