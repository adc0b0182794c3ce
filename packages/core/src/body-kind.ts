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

/** The costs that cover what was measured; each is at most twice that. */
const costs: Readonly<Record<BodyKind, LinearCost>> = {
  json: { fixed: 64 * KIB, perByte: 1 },
  text: { fixed: 64 * KIB, perByte: 1 },
  form: { fixed: 64 * KIB, perByte: 1 },
  multipart: { fixed: 64 * KIB, perByte: 1 },
  buffer: { fixed: 64 * KIB, perByte: 1 },
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
