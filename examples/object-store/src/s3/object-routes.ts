import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { FRAME_BYTES } from '../frame-layout.ts'
import type { ObjectHeader } from '../object-header.ts'
import { type Buckets, deleteIfThere } from './buckets.ts'
import { type ByteRange, requestedRange } from './byte-range.ts'
import { type CheckedBody, NO_BODY } from './checked-body.ts'
import { attributesOf, encodeAttributes, keptHeaders, responseHeaders } from './object-attributes.ts'
import { DOWNLOAD, uploadPolicy } from './policies.ts'
import { refuseConditions, targetExists } from './request-checks.ts'
import { S3Error } from './s3-error.ts'
import { PLAIN } from './sub-resource.ts'
import { targetOf } from './target.ts'

/** PutObject, GetObject, HeadObject, DeleteObject. */
export function objectRoutes(app: FastifyInstance, buckets: Buckets, bodyLimit: number): void {
  const constraints = { subResource: PLAIN }
  const url = '/:bucket/*'

  app.put<{ Body?: CheckedBody }>(
    url,
    {
      constraints,
      bodyLimit,
      onRequest: targetExists(buckets),
      config: { plimsoll: uploadPolicy(bodyLimit) },
    },
    async (request, reply) => {
      refuseConditions(request)
      const { bucket, key } = targetOf(request)
      const { bytes, md5, checksums } = request.body ?? NO_BODY
      const headers = keptHeaders(request.headers)
      const store = await buckets.open(bucket)
      await store.put(key, bytes, encodeAttributes({ etag: md5, modified: Date.now(), headers }))
      return reply.headers(checksums).header('etag', `"${md5}"`).send()
    },
  )

  app.get(
    url,
    { constraints, exposeHeadRoute: false, onRequest: targetExists(buckets), config: { plimsoll: DOWNLOAD } },
    async (request, reply) => {
      const { bucket, key } = targetOf(request)
      const store = await buckets.open(bucket)
      const object = await store.open(key)
      const { bytes } = object.header
      try {
        const range = describe(request, reply, object.header)
        // The size is known only now, and a small object's rest is somebody else's room.
        if (bytes < FRAME_BYTES) request.plimsoll?.shrink(2 * bytes)
        return reply.send(store.read(object, range))
      } catch (error) {
        await object.close()
        throw error
      }
    },
  )

  app.head(url, { constraints, onRequest: targetExists(buckets) }, async (request, reply) => {
    const { bucket, key } = targetOf(request)
    const object = await (await buckets.open(bucket)).open(key)
    await object.close()
    describe(request, reply, object.header)
    return reply.send()
  })

  app.delete(url, { constraints, onRequest: targetExists(buckets) }, async (request, reply) => {
    const { bucket, key } = targetOf(request)
    await deleteIfThere(await buckets.open(bucket), key)
    return reply.code(204).send()
  })
}

/** Sets what is told of an object and of the part of it that was asked for, and returns that part. */
function describe(request: FastifyRequest, reply: FastifyReply, header: ObjectHeader): ByteRange {
  const { bytes } = header
  const attributes = attributesOf(header)
  const { range, 'if-match': wanted } = request.headers
  // Who reads in pieces must not get pieces of two objects.
  if (wanted !== undefined && wanted !== '*' && wanted.replaceAll('"', '') !== attributes.etag) {
    throw new S3Error('PreconditionFailed', 'The object is another one by now')
  }
  const part = requestedRange(range, bytes)
  const { start, end } = part ?? { start: 0, end: bytes }
  reply.headers(responseHeaders(attributes)).header('content-length', end - start)
  if (part !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${bytes}`)
  return { start, end }
}
