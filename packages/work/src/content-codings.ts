import { finished, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])
/** RFC 9110 section 8.4.1: no coding; the other only frames what S3's clients sign. */
const NONE = new Set(['', 'identity', 'aws-chunked'])
/** Each decoder takes memory of its own, and a header may name any number. */
const MOST = 3

/** The codings of a body in the order in which they were applied; their names are case-insensitive. */
export function codingsOf(contentEncoding: string | undefined): string[] {
  const names = (contentEncoding ?? '').split(',').map(name => name.trim().toLowerCase())
  return names.filter(name => !NONE.has(name))
}

/** Whether there are decoders for all of them. */
export function canDecode(codings: readonly string[]): boolean {
  return codings.length <= MOST && codings.every(coding => DECODERS.has(coding))
}

/**
 * The decoders of a body, the last one to be read from. An error goes down from each to the next, and not up: whoever
 * reads disposes of the source.
 */
export function decodersOf(source: Readable, codings: readonly string[]): Transform[] {
  let from: Readable = source
  return codings.toReversed().map(coding => {
    const decoder = (DECODERS.get(coding) as () => Transform)()
    finished(from, { writable: false }, error => {
      if (error) decoder.destroy(error)
    })
    from.pipe(decoder)
    from = decoder
    return decoder
  })
}
