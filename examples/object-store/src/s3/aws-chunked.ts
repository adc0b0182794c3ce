import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from './s3-error.ts'

/** Of a chunk's head or of a trailer; a signed head has some 90. */
const MAX_LINE = 1024
const MAX_TRAILERS = 16

/** Whether a body has chunks of S3's own, within or without those of HTTP. */
export function isAwsChunked(headers: IncomingHttpHeaders): boolean {
  const { 'content-encoding': encoding = '', 'x-amz-content-sha256': payload = '' } = headers
  return /(^|,)\s*aws-chunked\s*(,|$)/i.test(encoding) || String(payload).startsWith('STREAMING-')
}

/**
 * Decodes an aws-chunked body as it comes (Amazon S3 API Reference, "Signature Calculations for the
 * Authorization Header: Transferring Payload in Multiple Chunks"). Holds a line at most; signatures are read
 * over.
 */
export class AwsChunkedDecoder {
  /** By their names in lower case, once the body has ended. */
  readonly trailers: Record<string, string> = {}
  #state: 'head' | 'data' | 'after data' | 'trailers' | 'over' = 'head'
  #left = 0
  #line = ''
  #trailers = 0

  /** @throws {S3Error} `IncompleteBody` */
  decode(input: Buffer, take: (data: Buffer) => void): void {
    let at = 0
    while (at < input.length) {
      if (this.#state === 'data') {
        const data = input.subarray(at, at + this.#left)
        at += data.length
        this.#left -= data.length
        if (this.#left === 0) this.#state = 'after data'
        take(data)
      } else at = this.#readLine(input, at)
    }
  }

  /** @throws {S3Error} `IncompleteBody` where more was to come */
  end(): void {
    if (this.#state !== 'over') throw malformed()
  }

  #readLine(input: Buffer, at: number): number {
    const newline = input.indexOf('\n', at)
    const end = newline === -1 ? input.length : newline + 1
    if (this.#line.length + end - at > MAX_LINE) throw malformed()
    this.#line += input.toString('latin1', at, end)
    if (newline !== -1) {
      const line = this.#line.trimEnd()
      this.#line = ''
      this.#takeLine(line)
    }
    return end
  }

  #takeLine(line: string): void {
    if (this.#state === 'head') this.#takeHead(line)
    else if (this.#state === 'trailers' && line !== '') this.#takeTrailer(line)
    else if (line !== '' || this.#state === 'over') throw malformed()
    else this.#state = this.#state === 'trailers' ? 'over' : 'head'
  }

  #takeHead(line: string): void {
    const size = /^([0-9a-f]{1,10})(;.*)?$/i.exec(line)?.[1]
    if (size === undefined) throw malformed()
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? 'trailers' : 'data'
  }

  #takeTrailer(line: string): void {
    const colon = line.indexOf(':')
    if (colon === -1 || ++this.#trailers > MAX_TRAILERS) throw malformed()
    this.trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
}

function malformed(): S3Error {
  return new S3Error('IncompleteBody', 'The aws-chunked body is malformed or ends early')
}
