import { S3Error } from './s3-error.ts'

/** Bytes of an object, from `start` up to and without `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The range that a Range header asks for (RFC 9110, section 14.1.2), or undefined for the whole object: where
 * there is none, or one that S3 ignores too, which is any but a single range of bytes.
 *
 * @throws {S3Error} `InvalidRange` where no byte of the object is in it
 */
export function requestedRange(header: string | undefined, bytes: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined
  // `-500` is the last 500 bytes, or all where there are fewer.
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes : Math.min(bytes, Number(last) + 1)
  if (start >= end) {
    const headers = { 'content-range': `bytes */${bytes}` }
    throw new S3Error('InvalidRange', 'The range is not satisfiable', { headers })
  }
  return { start, end }
}
