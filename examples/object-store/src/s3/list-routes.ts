import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Buckets } from './buckets.ts'
import { type ListPage, listPage } from './list-page.ts'
import { LIST } from './policies.ts'
import { S3Error } from './s3-error.ts'
import { sendXml, type Xml } from './send-xml.ts'
import { PLAIN } from './sub-resource.ts'
import { parameter, targetOf } from './target.ts'

const MAX_NAMES = 1000

/** ListObjectsV2, and the first version that older clients use. They differ in how a page tells of the next. */
export function listRoutes(app: FastifyInstance, buckets: Buckets): void {
  const config = { plimsoll: LIST }

  for (const url of ['/:bucket', '/:bucket/']) {
    app.get(
      url,
      { constraints: { subResource: 'list-type' }, exposeHeadRoute: false, config },
      async (request, reply) => {
        const token = parameter(request, 'continuation-token')
        const after =
          token === '' ? parameter(request, 'start-after') : Buffer.from(token, 'base64url').toString()
        const page = await pageOf(request, buckets, after)
        return sendXml(reply, 'ListBucketResult', {
          ...describe(request, page),
          KeyCount: page.objects.length + page.prefixes.length,
          ContinuationToken: token === '' ? undefined : token,
          // In base64, so that it needs no encoding, whatever the name.
          NextContinuationToken: page.next && Buffer.from(page.next).toString('base64url'),
        })
      },
    )

    app.get(
      url,
      { constraints: { subResource: PLAIN }, exposeHeadRoute: false, config },
      async (request, reply) => {
        const marker = parameter(request, 'marker')
        const page = await pageOf(request, buckets, marker)
        return sendXml(reply, 'ListBucketResult', {
          ...describe(request, page),
          Marker: encoded(request)(marker),
          NextMarker: page.next && encoded(request)(page.next),
        })
      },
    )
  }
}

async function pageOf(request: FastifyRequest, buckets: Buckets, after: string): Promise<ListPage> {
  const store = await buckets.open(targetOf(request).bucket)
  const prefix = parameter(request, 'prefix')
  const delimiter = parameter(request, 'delimiter')
  return listPage(store.headers(), { prefix, delimiter, after, limit: limitOf(request) })
}

function limitOf(request: FastifyRequest): number {
  const limit = parameter(request, 'max-keys') || String(MAX_NAMES)
  if (!/^\d+$/.test(limit)) throw new S3Error('InvalidArgument', 'max-keys must be a whole number')
  return Math.min(Number(limit), MAX_NAMES)
}

function describe(request: FastifyRequest, page: ListPage): Readonly<Record<string, Xml>> {
  const name = encoded(request)
  return {
    Name: targetOf(request).bucket,
    Prefix: name(parameter(request, 'prefix')),
    Delimiter: name(parameter(request, 'delimiter')) || undefined,
    MaxKeys: limitOf(request),
    EncodingType: parameter(request, 'encoding-type') || undefined,
    IsTruncated: page.next !== undefined,
    Contents: page.objects.map(({ key, bytes, etag, modified }) => ({
      Key: name(key),
      LastModified: new Date(modified).toISOString(),
      ETag: `"${etag}"`,
      Size: bytes,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: page.prefixes.map(prefix => ({ Prefix: name(prefix) })),
  }
}

/** Names as the client asked for them: boto and the aws command have them percent-encoded. */
function encoded(request: FastifyRequest): (name: string) => string {
  if (parameter(request, 'encoding-type') !== 'url') return name => name
  return name => encodeURIComponent(name).replaceAll('%2F', '/')
}
