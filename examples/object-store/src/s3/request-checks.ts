import type { FastifyRequest } from 'fastify'
import type { Buckets } from './buckets.ts'
import { checkKey } from './names.ts'
import { S3Error } from './s3-error.ts'
import { targetOf } from './target.ts'

/** Before the body is read: nobody should send 64 MiB to learn that there is no such bucket. */
export function targetExists(buckets: Buckets): (request: FastifyRequest) => Promise<void> {
  return async request => {
    const { bucket, key } = targetOf(request)
    checkKey(key)
    await buckets.open(bucket)
  }
}

/** A write that overlooks its condition overwrites what it was to spare. */
export function refuseConditions({ headers }: FastifyRequest): void {
  const conditional = /^(x-amz-copy-source-)?if-/
  if (!Object.keys(headers).some(name => conditional.test(name))) return
  throw new S3Error('NotImplemented', 'This server knows no conditional writes')
}
