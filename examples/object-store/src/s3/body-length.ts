import type { IncomingHttpHeaders } from 'node:http'
import { isAwsChunked } from './aws-chunked.ts'

/**
 * How many bytes a body will be once it is decoded, which is what it costs; undefined where nobody says.
 * The AWS SDK sends streams as aws-chunked, without a Content-Length.
 */
export function decodedLength(headers: IncomingHttpHeaders): number | undefined {
  const length = isAwsChunked(headers) ? headers['x-amz-decoded-content-length'] : headers['content-length']
  return typeof length === 'string' && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/**
 * The longest encoding of a body of `bytes`: S3 asks for chunks of 8 KiB at least, and each has a head of
 * 128 bytes at most. The rest is for trailers.
 */
export function longestEncoding(bytes: number): number {
  return bytes + Math.ceil(bytes / 64) + 64 * 1024
}
