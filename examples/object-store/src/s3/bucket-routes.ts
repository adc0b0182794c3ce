import type { FastifyInstance } from 'fastify'
import { type Buckets, deleteIfThere } from './buckets.ts'
import type { CheckedBody } from './checked-body.ts'
import { DOCUMENT, DOCUMENT_LIMIT } from './policies.ts'
import { readXml } from './read-xml.ts'
import { S3Error } from './s3-error.ts'
import { sendXml } from './send-xml.ts'
import { PLAIN } from './sub-resource.ts'
import { targetOf } from './target.ts'

/** Buckets, and what is done to many objects of one at once. */
export function bucketRoutes(app: FastifyInstance, buckets: Buckets): void {
  const plain = { constraints: { subResource: PLAIN } }

  app.get('/', plain, async (_request, reply) => {
    const list = await buckets.list()
    return sendXml(reply, 'ListAllMyBucketsResult', {
      Owner: { ID: 'object-store', DisplayName: 'object-store' },
      Buckets: {
        Bucket: list.map(({ name, created }) => ({ Name: name, CreationDate: created.toISOString() })),
      },
    })
  })

  for (const url of ['/:bucket', '/:bucket/']) {
    // Its body may name a region. There is one.
    app.put(
      url,
      { ...plain, bodyLimit: DOCUMENT_LIMIT, config: { plimsoll: DOCUMENT } },
      async (request, reply) => {
        const { bucket } = targetOf(request)
        await buckets.create(bucket)
        return reply.header('location', `/${bucket}`).send()
      },
    )

    app.head(url, plain, async (request, reply) => {
      await buckets.open(targetOf(request).bucket)
      return reply.send()
    })

    app.delete(url, plain, async (request, reply) => {
      await buckets.delete(targetOf(request).bucket)
      return reply.code(204).send()
    })

    // An empty location is us-east-1, which clients take for granted; without a status there are no versions.
    for (const [subResource, root] of [
      ['location', 'LocationConstraint'],
      ['versioning', 'VersioningConfiguration'],
    ] as const) {
      app.get(url, { constraints: { subResource }, exposeHeadRoute: false }, async (request, reply) => {
        await buckets.open(targetOf(request).bucket)
        return sendXml(reply, root, {})
      })
    }

    app.post<{ Body?: CheckedBody }>(
      url,
      { constraints: { subResource: 'delete' }, bodyLimit: DOCUMENT_LIMIT, config: { plimsoll: DOCUMENT } },
      async (request, reply) => {
        const store = await buckets.open(targetOf(request).bucket)
        const { keys, quiet } = parseDelete(request.body)
        for (const key of keys) await deleteIfThere(store, key)
        return sendXml(reply, 'DeleteResult', { Deleted: quiet ? [] : keys.map(key => ({ Key: key })) })
      },
    )
  }
}

function parseDelete(body: CheckedBody | undefined): { keys: string[]; quiet: boolean } {
  const { items, beside } = readXml(body?.bytes, {
    root: 'Delete',
    item: 'Object',
    limit: 1000,
    fields: ['Key', 'Quiet'],
  })
  const keys = items.map(({ Key: key }) => {
    if (key === undefined) throw new S3Error('MalformedXML', 'A key is missing')
    return key
  })
  return { keys, quiet: beside.Quiet === 'true' }
}
