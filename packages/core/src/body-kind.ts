import type { IncomingHttpHeaders } from 'node:http'
import type { LinearCost } from './report.ts'

/** What a body is read into, as far as its headers tell; what nobody parses is 'buffer'. */
export type BodyKind = 'json' | 'text' | 'form' | 'multipart' | 'buffer'

const KIB = 1024

const kinds: ReadonlyMap<string, BodyKind> = new Map([
  ['application/json', 'json'],
  ['application/x-www-form-urlencoded', 'form'],
  ['multipart/form-data', 'multipart'],
])

/** A small request, connection and all, takes 11 to 34 KiB of memory (bench/footprint); waiting with its body unread, 50. */
const FIXED = 64 * KIB

/** What bench/footprint has measured in the framework where it takes most, rounded up to a half. Measured: */
const costs: Readonly<Record<BodyKind, LinearCost>> = {
  // 5.9, Koa: chunks, a two-byte string, what is parsed from it. Empty objects, sent with bad intent, take 34.
  json: { fixed: FIXED, perByte: 6 },
  // 4.0, all: the bytes, once or twice, and a string of two bytes a character, as soon as one is not Latin-1.
  text: { fixed: FIXED, perByte: 4.5 },
  // 6.5, @fastify/formbody; the parsers of Express and Koa 2.7 and 3.1.
  form: { fixed: FIXED, perByte: 6.5 },
  // 2.1, @fastify/multipart to memory: chunks, and what they are joined to. To disk 0.2.
  multipart: { fixed: FIXED, perByte: 2.5 },
  // 2.0, all: chunks, and what they are joined to.
  buffer: { fixed: FIXED, perByte: 2.5 },
}

/**
 * The kind of a body by its media type: parameters and case don't matter (RFC 9110 section 8.3.1).
 *
 * A suffix `+json` is JSON (RFC 6839), any `text/` is text, any `multipart/` is a form with files.
 */
export function kindOf(headers: IncomingHttpHeaders): BodyKind {
  const contentType = headers['content-type']
  if (contentType === undefined) return 'buffer'
  // Most say no more than a type that is known, in small letters.
  const known = kinds.get(contentType)
  if (known !== undefined) return known
  const end = contentType.indexOf(';')
  const type = (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  const kind = kinds.get(type)
  if (kind !== undefined) return kind
  if (type.endsWith('+json')) return 'json'
  if (type.startsWith('text/')) return 'text'
  return type.startsWith('multipart/') ? 'multipart' : 'buffer'
}

/** What a body of this kind costs where its route says nothing. */
export function defaultCost(kind: BodyKind): LinearCost {
  return costs[kind]
}
