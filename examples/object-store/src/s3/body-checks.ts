import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import zlib from 'node:zlib'
import { S3Error } from './s3-error.ts'

interface Digest {
  update(data: Buffer): unknown
  /** In base64. */
  digest(): string
}

const hash = (algorithm: string) => (): Digest => {
  const hash = createHash(algorithm)
  return { update: data => hash.update(data), digest: () => hash.digest('base64') }
}

function crc32(): Digest {
  let sum = 0
  return {
    update: data => {
      sum = zlib.crc32(data, sum)
    },
    digest: () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(sum)
      return bytes.toString('base64')
    },
  }
}

/** What Node can sum natively; CRC-32C, CRC-64 and whatever comes next are ignored. */
const ALGORITHMS: Readonly<Record<string, () => Digest>> = {
  'x-amz-checksum-sha1': hash('sha1'),
  'x-amz-checksum-sha256': hash('sha256'),
  // Node has it from 22.2 and 20.15 on, not in 21.
  ...(typeof zlib.crc32 === 'function' && { 'x-amz-checksum-crc32': crc32 }),
}

/** The sums of a body, taken as it comes: MD5 for the ETag, and those that its client has sent along. */
export class BodyChecks {
  readonly #headers: IncomingHttpHeaders
  readonly #md5 = createHash('md5')
  readonly #sums = new Map<string, Digest>()

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers
    const announced = String(headers['x-amz-trailer'] ?? '')
      .toLowerCase()
      .split(/\s*,\s*/)
    for (const [name, create] of Object.entries(ALGORITHMS)) {
      if (headers[name] !== undefined || announced.includes(name)) this.#sums.set(name, create())
    }
  }

  update(data: Buffer): void {
    this.#md5.update(data)
    for (const sum of this.#sums.values()) sum.update(data)
  }

  /**
   * @param trailers of the body, by their names in lower case
   * @returns MD5 in hex, and by their headers the sums that were right
   * @throws {S3Error} `BadDigest`
   */
  verify(trailers: Readonly<Record<string, string>>): { md5: string; checksums: Record<string, string> } {
    const md5 = this.#md5.digest()
    const { 'content-md5': wanted } = this.#headers
    if (wanted !== undefined && wanted !== md5.toString('base64')) throw badDigest()
    const checksums: Record<string, string> = {}
    for (const [name, sum] of this.#sums) {
      checksums[name] = sum.digest()
      if ((this.#headers[name] ?? trailers[name]) !== checksums[name]) throw badDigest()
    }
    return { md5: md5.toString('hex'), checksums }
  }
}

function badDigest(): S3Error {
  return new S3Error('BadDigest', 'The body is not the one its checksum was made of')
}
