import type { IncomingHttpHeaders } from 'node:http'
import { ObjectStoreError } from '../errors.ts'
import { MAX_ATTRIBUTE_BYTES, type ObjectHeader } from '../object-header.ts'
import { S3Error } from './s3-error.ts'

/** What S3 keeps with an object. */
export interface ObjectAttributes {
  /** Hex digits of MD5, and for an object of parts `-` and their number; without quotation marks. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly modified: number
  /** That it was put with and is answered with. */
  readonly headers: Readonly<Record<string, string>>
}

const KEPT = /^(content-(type|encoding|language|disposition)|cache-control|expires|x-amz-meta-.+)$/

/** Those of a request that are kept with the object that it puts. */
export function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (KEPT.test(name) && typeof value === 'string') kept[name] = value
  }
  // How the body came is not how the object is.
  const encoding = kept['content-encoding']
    ?.replace(/(^|,)\s*aws-chunked\s*(?=,|$)/i, '')
    .replace(/^,\s*/, '')
  delete kept['content-encoding']
  return encoding ? { ...kept, 'content-encoding': encoding } : kept
}

/** @throws {S3Error} `MetadataTooLarge` */
export function encodeAttributes(attributes: ObjectAttributes): string {
  const text = JSON.stringify(attributes)
  if (Buffer.byteLength(text) <= MAX_ATTRIBUTE_BYTES) return text
  throw new S3Error('MetadataTooLarge', 'The headers that are kept with the object are too large')
}

/** @throws {ObjectStoreError} `ERR_OBJECT_CORRUPT`: they stand in the clear, and nothing has authenticated them yet */
export function attributesOf({ attributes }: ObjectHeader): ObjectAttributes {
  try {
    return JSON.parse(attributes)
  } catch (cause) {
    throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The stored object has no valid attributes', { cause })
  }
}

/** The headers that GET and HEAD answer with, whatever part of the object they send. */
export function responseHeaders({ etag, modified, headers }: ObjectAttributes): Record<string, string> {
  return {
    'content-type': 'binary/octet-stream',
    ...headers,
    etag: `"${etag}"`,
    'last-modified': new Date(modified).toUTCString(),
    'accept-ranges': 'bytes',
  }
}
