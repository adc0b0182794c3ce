import type { FastifyReply, FastifyRequest } from 'fastify'
import { S3Error, type S3ErrorCode } from './s3-error.ts'
import { sendXml } from './send-xml.ts'

/** Ours, of the store and of Plimsoll, by their code; all others by their status. */
const S3_CODES: Readonly<Record<string, S3ErrorCode>> = {
  ERR_OBJECT_NOT_FOUND: 'NoSuchKey',
  ERR_OBJECT_TOO_LARGE: 'EntityTooLarge',
  408: 'RequestTimeout',
  411: 'MissingContentLength',
  413: 'EntityTooLarge',
  // What an SDK comes back after, and later each time.
  429: 'SlowDown',
  503: 'SlowDown',
}

/** Headers that tell of an object, which then did not come. */
const OF_AN_OBJECT = /^(content-.*|cache-control|expires|etag|last-modified|accept-ranges|x-amz-meta-.*)$/

/** A Fastify error handler that answers in S3's shape, whoever has thrown. */
export async function answerS3Error(
  error: Error & { code?: string; statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { code, statusCode, headers, message } = toS3Error(error)
  // What clients can cause at will must not fill the log. Plimsoll has logged its refusals itself.
  if (code === 'InternalError') reply.log.error({ err: error }, error.message)
  for (const name of Object.keys(reply.getHeaders())) if (OF_AN_OBJECT.test(name)) reply.removeHeader(name)
  return sendXml(reply.code(statusCode).headers(headers), 'Error', {
    Code: code,
    Message: message,
    RequestId: request.id,
  })
}

/** An SDK retries by the status and the code, so the status stays as it is, where S3 would say another too. */
export function toS3Error(error: Error & { code?: string; statusCode?: number }): S3Error {
  if (error instanceof S3Error) return error
  const { statusCode = 500, message } = error
  const code = S3_CODES[error.code ?? ''] ?? S3_CODES[statusCode]
  if (code !== undefined) return new S3Error(code, message, { statusCode })
  return statusCode < 500
    ? new S3Error('InvalidRequest', message, { statusCode })
    : new S3Error('InternalError', 'The server has failed')
}
