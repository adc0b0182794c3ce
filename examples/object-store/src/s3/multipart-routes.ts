import type { FastifyInstance } from 'fastify'
import { FRAME_BYTES } from '../frame-layout.ts'
import type { Buckets } from './buckets.ts'
import { type CheckedBody, NO_BODY } from './checked-body.ts'
import { MAX_PARTS, multipartEtag } from './multipart-upload.ts'
import type { MultipartUploads } from './multipart-uploads.ts'
import { encodeAttributes, keptHeaders } from './object-attributes.ts'
import { DOCUMENT_LIMIT, JOIN, LIST, uploadPolicy } from './policies.ts'
import { readXml } from './read-xml.ts'
import { refuseConditions, targetExists } from './request-checks.ts'
import { S3Error } from './s3-error.ts'
import { sendXml } from './send-xml.ts'
import { parameter, targetOf } from './target.ts'

/** An ETag as long as any, to know how long attributes will be. */
const LONGEST_ETAG = `${'0'.repeat(32)}-${MAX_PARTS}`

/** CreateMultipartUpload, UploadPart, ListParts, CompleteMultipartUpload, AbortMultipartUpload. */
export function multipartRoutes(
  app: FastifyInstance,
  buckets: Buckets,
  uploads: MultipartUploads,
  bodyLimit: number,
): void {
  const url = '/:bucket/*'
  const onRequest = targetExists(buckets)
  const ofUpload = { subResource: 'uploadId' }

  app.post(url, { constraints: { subResource: 'uploads' }, onRequest }, async (request, reply) => {
    const { bucket, key } = targetOf(request)
    const headers = keptHeaders(request.headers)
    encodeAttributes({ etag: LONGEST_ETAG, modified: Date.now(), headers })
    const id = await uploads.create({ bucket, key, headers })
    return sendXml(reply, 'InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id })
  })

  app.put<{ Body?: CheckedBody }>(
    url,
    {
      constraints: { subResource: 'partNumber&uploadId' },
      bodyLimit,
      onRequest,
      config: { plimsoll: uploadPolicy(bodyLimit) },
    },
    async (request, reply) => {
      const { bucket, key } = targetOf(request)
      const number = parameter(request, 'partNumber')
      if (!/^[1-9]\d*$/.test(number) || Number(number) > MAX_PARTS) {
        throw new S3Error('InvalidArgument', `A part number is a whole number from 1 to ${MAX_PARTS}`)
      }
      const body = request.body ?? NO_BODY
      const upload = await uploads.open(parameter(request, 'uploadId'), bucket, key)
      await upload.put(Number(number), body)
      return reply.headers(body.checksums).header('etag', `"${body.md5}"`).send()
    },
  )

  app.get(
    url,
    { constraints: ofUpload, exposeHeadRoute: false, onRequest, config: { plimsoll: LIST } },
    async (request, reply) => {
      const { bucket, key } = targetOf(request)
      const id = parameter(request, 'uploadId')
      const upload = await uploads.open(id, bucket, key)
      const after = Number(parameter(request, 'part-number-marker'))
      const parts = [...(await upload.parts()).values()].filter(({ number }) => number > after)
      const page = parts.slice(0, 1000)
      return sendXml(reply, 'ListPartsResult', {
        Bucket: bucket,
        Key: key,
        UploadId: id,
        MaxParts: 1000,
        NextPartNumberMarker: page.at(-1)?.number,
        IsTruncated: page.length < parts.length,
        Part: page.map(({ number, bytes, etag }) => ({ PartNumber: number, ETag: `"${etag}"`, Size: bytes })),
      })
    },
  )

  app.post<{ Body?: CheckedBody }>(
    url,
    { constraints: ofUpload, bodyLimit: DOCUMENT_LIMIT, onRequest, config: { plimsoll: JOIN } },
    async (request, reply) => {
      refuseConditions(request)
      const { bucket, key } = targetOf(request)
      const id = parameter(request, 'uploadId')
      const store = await buckets.open(bucket)
      const upload = await uploads.open(id, bucket, key)
      const parts = await upload.choose(parsePartList(request.body))
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
      const largest = Math.max(...parts.map(part => part.bytes))
      request.plimsoll?.shrink(2 * Math.min(bytes, FRAME_BYTES) + 2 * Math.min(largest, FRAME_BYTES))
      const etag = multipartEtag(parts)
      const { headers } = upload.record
      const attributes = encodeAttributes({ etag, modified: Date.now(), headers })
      const openings = parts.map(part => () => upload.open(part))
      await store.join(key, bytes, attributes, openings)
      await uploads.remove(id)
      return sendXml(reply, 'CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: `"${etag}"` })
    },
  )

  app.delete(url, { constraints: ofUpload, onRequest }, async (request, reply) => {
    const { bucket, key } = targetOf(request)
    const id = parameter(request, 'uploadId')
    await uploads.open(id, bucket, key)
    await uploads.remove(id)
    return reply.code(204).send()
  })
}

function parsePartList(body: CheckedBody | undefined): { number: number; etag: string }[] {
  const { items } = readXml(body?.bytes, {
    root: 'CompleteMultipartUpload',
    item: 'Part',
    limit: MAX_PARTS,
    fields: ['PartNumber', 'ETag'],
  })
  if (items.length === 0) throw new S3Error('MalformedXML', 'An object has a part at least')
  return items.map(({ PartNumber: number, ETag: etag = '' }) => ({
    number: Number(number),
    etag: etag.replaceAll('"', ''),
  }))
}
