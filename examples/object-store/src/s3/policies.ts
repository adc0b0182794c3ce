import type { RoutePolicy } from '@plimsoll/fastify'
import { FRAME_BYTES } from '../frame-layout.ts'
import { decodedLength, longestEncoding } from './body-length.ts'

/** What the operations of S3 cost; those that are not here cost nothing, and never wait. */

/**
 * The body as it will be decoded, whatever it takes on the way, and a frame of its ciphertext. Where nobody
 * says how long it is nothing is reserved, since it is refused unread.
 *
 * @param bodyLimit largest object that is put at once, or part
 */
export function uploadPolicy(bodyLimit: number): RoutePolicy {
  return {
    maxBody: longestEncoding(bodyLimit),
    cost: ({ headers }) => {
      const bytes = decodedLength(headers) ?? 0
      return bytes + Math.min(bytes, FRAME_BYTES)
    },
  }
}

/** A frame of ciphertext and its plaintext, of an object of any size. */
export const DOWNLOAD: RoutePolicy = { cost: 2 * FRAME_BYTES }

/** Two frames of what is read and two of what is written, and the list of parts. */
export const JOIN: RoutePolicy = { cost: ({ headers }) => 4 * FRAME_BYTES + documentBytes(headers) }

/** A document of XML. */
export const DOCUMENT: RoutePolicy = { cost: ({ headers }) => documentBytes(headers) }

/** A page of 1000 names, twice: as objects and as XML. */
export const LIST: RoutePolicy = { cost: '4MiB' }

/** Who is refused without a look at the body. */
export const REFUSED: RoutePolicy = { exempt: true }

/** The document as bytes, as a string of two bytes a character, and as what was read of it. */
const DOCUMENT_COPIES = 4

/** Largest document: 10,000 parts with their ETags and checksums. */
export const DOCUMENT_LIMIT = 2 * 1024 * 1024

function documentBytes(headers: Parameters<typeof decodedLength>[0]): number {
  return DOCUMENT_COPIES * (decodedLength(headers) ?? 0)
}
