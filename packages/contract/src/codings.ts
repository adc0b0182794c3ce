import { type Readable, type Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'
import type { HttpRequest } from '@plimsoll/core'

/** A way to encode a body, by what a `Content-Encoding` calls it. */
export interface Coding {
  readonly name: string
  readonly encode: (data: Buffer) => Buffer
  /** What a parser pipes the request through. */
  readonly decoders: () => Transform[]
}

/** All that this Node knows, and one of them twice. */
export const CODINGS: readonly Coding[] = [
  { name: 'gzip', encode: data => zlib.gzipSync(data), decoders: () => [zlib.createGunzip()] },
  { name: 'deflate', encode: data => zlib.deflateSync(data), decoders: () => [zlib.createInflate()] },
  {
    name: 'br',
    encode: data => zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
    decoders: () => [zlib.createBrotliDecompress()],
  },
  {
    name: 'gzip, gzip',
    encode: data => zlib.gzipSync(zlib.gzipSync(data)),
    decoders: () => [zlib.createGunzip(), zlib.createGunzip()],
  },
  ...zstd(),
]

/** Node has it from 22.15 on; the types here are those of Node 20. */
function zstd(): Coding[] {
  const { zstdCompressSync, createZstdDecompress } = zlib as unknown as {
    readonly zstdCompressSync?: Coding['encode']
    readonly createZstdDecompress?: () => Transform
  }
  return zstdCompressSync === undefined || createZstdDecompress === undefined
    ? []
    : [{ name: 'zstd', encode: zstdCompressSync, decoders: () => [createZstdDecompress()] }]
}

/** Reads an encoded body as parsers do, whole. */
export class Inflating extends Writable {
  readonly parts: Buffer[] = []
  bytes = 0

  override _write(part: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.parts.push(part)
    this.bytes += part.length
    done()
  }

  async read(req: HttpRequest): Promise<Buffer> {
    const coding = CODINGS.find(({ name }) => name === req.headers['content-encoding'])
    await pipeline([req as Readable, ...(coding?.decoders() ?? []), this])
    return Buffer.concat(this.parts)
  }
}
