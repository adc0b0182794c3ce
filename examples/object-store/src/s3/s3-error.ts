/** The codes of S3 that this server answers with (Amazon S3 API Reference, "Error Responses"), and their status. */
const STATUS_CODES = {
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 413,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeout: 408,
  SlowDown: 503,
} as const

export type S3ErrorCode = keyof typeof STATUS_CODES

interface S3ErrorOptions extends ErrorOptions {
  /** Default: the code's own. */
  readonly statusCode?: number
  /** That the answer has beside the document. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An error in S3's words. Clients see the message, so it names no path. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: S3ErrorCode
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: S3ErrorCode, message: string, options: S3ErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.statusCode = options.statusCode ?? STATUS_CODES[code]
    this.headers = options.headers ?? {}
  }
}
