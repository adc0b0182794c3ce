import type { BodyKind } from '../../packages/core/src/body-kind.ts'
import { named } from '../named.ts'
import { bytesOf, form, hostileJson, json, type MakeBody, multipart, prose } from './bodies.ts'

/** A kind of body, and how it is read. */
export interface Kind {
  readonly name: string
  /** Where the servers read it. */
  readonly path: string
  readonly body: MakeBody
  /** Lengths in MiB, where those of all others take gibibytes, or say nothing. */
  readonly sizes?: readonly number[]
  /** Whose default cost comes from it: undefined where a route has to say more than its headers do. */
  readonly defaultOf?: BodyKind
}

export const kinds: readonly Kind[] = [
  { name: 'buffer', path: '/buffer', body: bytesOf, defaultOf: 'buffer' },
  // Below 32 MiB what floats grows with them.
  { name: 'read-body', path: '/read-body', body: bytesOf, sizes: [32, 64, 128] },
  { name: 'json', path: '/json', body: json, defaultOf: 'json' },
  { name: 'json-hostile', path: '/json', body: hostileJson, sizes: [2, 4] },
  { name: 'text', path: '/text', body: prose, defaultOf: 'text' },
  { name: 'form', path: '/form', body: form, defaultOf: 'form' },
  { name: 'multipart', path: '/multipart', body: multipart, defaultOf: 'multipart' },
  { name: 'multipart-disk', path: '/multipart-disk', body: multipart, sizes: [16, 64] },
  { name: 'stream', path: '/stream', body: bytesOf, sizes: [16, 64] },
]

/** @throws where there is none of this name */
export function kindNamed(name: string): Kind {
  return named('--kind', name, kinds)
}
