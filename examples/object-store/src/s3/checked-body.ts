import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { AwsChunkedDecoder, isAwsChunked } from './aws-chunked.ts'
import { BodyChecks } from './body-checks.ts'
import { decodedLength } from './body-length.ts'
import { S3Error } from './s3-error.ts'

/** A body as its client meant it: decoded, whole, and with the sums it was sent with. */
export interface CheckedBody {
  readonly bytes: Buffer
  /** In hex. */
  readonly md5: string
  /** By their headers. */
  readonly checksums: Readonly<Record<string, string>>
}

/** Of a request that Fastify parses no body of, since it has none. */
export const NO_BODY: CheckedBody = {
  bytes: Buffer.alloc(0),
  ...new BodyChecks({}).verify({}),
}

/**
 * A content-type parser that reads a body into one buffer of the length it will have, whatever the framing.
 *
 * @throws {S3Error} `MissingContentLength`, `EntityTooLarge`, `IncompleteBody`, `BadDigest`
 */
export async function checkedBody(request: FastifyRequest, payload: Readable): Promise<CheckedBody> {
  const { headers } = request
  const length = decodedLength(headers)
  if (length === undefined) throw new S3Error('MissingContentLength', 'The length of the body is not known')
  if (length > request.routeOptions.bodyLimit) throw new S3Error('EntityTooLarge', 'The body is too large')
  const bytes = Buffer.allocUnsafe(length)
  const checks = new BodyChecks(headers)
  let filled = 0
  const take = (data: Buffer): void => {
    if (filled + data.length > length) throw notAsLong()
    checks.update(data)
    filled += data.copy(bytes, filled)
  }
  const decoder = isAwsChunked(headers) ? new AwsChunkedDecoder() : undefined
  for await (const chunk of payload) {
    if (decoder === undefined) take(chunk)
    else decoder.decode(chunk, take)
  }
  decoder?.end()
  if (filled !== length) throw notAsLong()
  return { bytes, ...checks.verify(decoder?.trailers ?? {}) }
}

function notAsLong(): S3Error {
  return new S3Error('IncompleteBody', 'The body is not as long as was said')
}
