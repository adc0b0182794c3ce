import type { FastifyInstance, FastifyRequest } from 'fastify'
import { FRAME_BYTES } from '../frame-layout.ts'
import type { Buckets } from './buckets.ts'
import { checkKey } from './names.ts'
import { attributesOf, encodeAttributes, keptHeaders } from './object-attributes.ts'
import { JOIN } from './policies.ts'
import { refuseConditions, targetExists } from './request-checks.ts'
import { S3Error } from './s3-error.ts'
import { sendXml } from './send-xml.ts'
import { targetOf } from './target.ts'

/** CopyObject: how rclone changes the time of an object that it has put before. */
export function copyRoute(app: FastifyInstance, buckets: Buckets): void {
  app.put(
    '/:bucket/*',
    { constraints: { subResource: 'copy' }, onRequest: targetExists(buckets), config: { plimsoll: JOIN } },
    async (request, reply) => {
      refuseConditions(request)
      const source = sourceOf(request)
      const { bucket, key } = targetOf(request)
      const target = await buckets.open(bucket)
      const object = await (await buckets.open(source.bucket)).open(source.key)
      const { bytes } = object.header
      try {
        request.plimsoll?.shrink(4 * Math.min(bytes, FRAME_BYTES))
        const { etag, headers: kept } = attributesOf(object.header)
        const replaced = request.headers['x-amz-metadata-directive'] === 'REPLACE'
        const headers = replaced ? keptHeaders(request.headers) : kept
        const modified = Date.now()
        await target.join(key, bytes, encodeAttributes({ etag, modified, headers }), [async () => object])
        return sendXml(reply, 'CopyObjectResult', {
          ETag: `"${etag}"`,
          LastModified: new Date(modified).toISOString(),
        })
      } finally {
        // Whoever reads it closes it too, but it may not have come to that.
        await object.close()
      }
    },
  )
}

/** @throws {S3Error} `InvalidArgument` */
function sourceOf({ headers }: FastifyRequest): { bucket: string; key: string } {
  const [, bucket = '', encoded = ''] =
    /^\/?([^/]+)\/([^?]+)$/.exec(String(headers['x-amz-copy-source'])) ?? []
  try {
    const key = decodeURIComponent(encoded)
    checkKey(key)
    return { bucket, key }
  } catch (cause) {
    throw new S3Error('InvalidArgument', 'The copy source is not valid', { cause })
  }
}
