import type { FastifyInstance } from 'fastify'
import type { LiveFrames } from '../live-frames.ts'
import { bucketRoutes } from './bucket-routes.ts'
import { Buckets, storesUnder } from './buckets.ts'
import { checkedBody } from './checked-body.ts'
import { copyRoute } from './copy-route.ts'
import { answerS3Error } from './error-answer.ts'
import { listRoutes } from './list-routes.ts'
import { multipartRoutes } from './multipart-routes.ts'
import { MultipartUploads } from './multipart-uploads.ts'
import { objectRoutes } from './object-routes.ts'
import { REFUSED } from './policies.ts'
import { S3Error } from './s3-error.ts'
import type { S3Storage } from './s3-storage.ts'
import { subResource } from './sub-resource.ts'

export interface S3Options {
  readonly storage: S3Storage
  readonly masterKey: Buffer
  readonly liveFrames: LiveFrames
  /** Bytes of the largest object that is put at once, and of the largest part. */
  readonly bodyLimit: number
}

/**
 * A part of Amazon S3's interface, path style, as a Fastify plugin: buckets, objects, lists and multipart
 * uploads. Signatures are accepted and not looked at.
 */
export async function s3(app: FastifyInstance, options: S3Options): Promise<void> {
  const { storage, masterKey, liveFrames, bodyLimit } = options
  const storeOf = storesUnder(masterKey, liveFrames)
  const buckets = new Buckets(storage.buckets, storeOf)
  const uploads = new MultipartUploads(storage.uploads, storeOf)

  app.addConstraintStrategy(subResource)
  app.setErrorHandler(answerS3Error)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', checkedBody)

  bucketRoutes(app, buckets)
  listRoutes(app, buckets)
  objectRoutes(app, buckets, bodyLimit)
  copyRoute(app, buckets)
  multipartRoutes(app, buckets, uploads, bodyLimit)

  for (const url of ['/', '/:bucket', '/:bucket/', '/:bucket/*']) {
    app.all(url, {
      config: { plimsoll: REFUSED },
      onRequest: async () => {
        throw new S3Error('NotImplemented', 'This server has no such operation')
      },
      /* c8 ignore next */ // Fastify asks for a handler, and the hook has thrown.
      handler: async () => {},
    })
  }
}
