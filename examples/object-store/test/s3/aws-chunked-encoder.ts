interface Encoding {
  readonly signed?: boolean
  readonly trailers?: Readonly<Record<string, string>>
}

/** A body as SDKs send it; the signatures are none, since nobody looks at them. */
export function encodeAwsChunked(
  chunks: readonly Buffer[],
  { signed = false, trailers = {} }: Encoding = {},
): Buffer {
  const head = (bytes: number): string => {
    return `${bytes.toString(16)}${signed ? `;chunk-signature=${'0'.repeat(64)}` : ''}\r\n`
  }
  const encoded = chunks.flatMap(chunk => [Buffer.from(head(chunk.length)), chunk, Buffer.from('\r\n')])
  const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}\r\n`)
  return Buffer.concat([...encoded, Buffer.from(`${head(0)}${lines.join('')}\r\n`)])
}
