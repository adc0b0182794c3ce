import type { ObjectHeader } from '../object-header.ts'
import { attributesOf } from './object-attributes.ts'

export interface ListedObject {
  readonly key: string
  readonly bytes: number
  readonly etag: string
  readonly modified: number
}

export interface ListPage {
  /** Objects, and prefixes that stand for all keys that begin with them, in the order of their UTF-8 bytes. */
  readonly objects: readonly ListedObject[]
  readonly prefixes: readonly string[]
  /** The last name, where more follow. */
  readonly next: string | undefined
}

export interface ListQuery {
  readonly prefix: string
  /** Keys that have it behind their prefix are rolled up to it; '' for none. */
  readonly delimiter: string
  /** Names up to this one are left out. */
  readonly after: string
  readonly limit: number
}

/** Reads through all headers, in whatever order they come, and keeps no more than two pages of names. */
export async function listPage(headers: AsyncIterable<ObjectHeader>, query: ListQuery): Promise<ListPage> {
  const { after, limit } = query
  let names: [name: string, object: ListedObject | undefined][] = []
  const found = new Map<string, ListedObject | undefined>()
  const keepFirst = (): void => {
    names = [...found].sort(([a], [b]) => compare(a, b))
    for (const [name] of names.splice(limit + 1)) found.delete(name)
  }
  for await (const header of headers) {
    const prefix = rolledUp(header.key, query)
    // The page before ended with it, or with a name behind this one.
    if (!header.key.startsWith(query.prefix) || prefix === after || compare(header.key, after) <= 0) continue
    const object = prefix === undefined ? listed(header) : undefined
    const name = prefix ?? object?.key
    if (name !== undefined) found.set(name, object)
    if (found.size > 2 * (limit + 1)) keepFirst()
  }
  keepFirst()
  const more = names.length > limit && limit > 0
  const page = names.slice(0, limit)
  return {
    objects: page.flatMap(([, object]) => object ?? []),
    prefixes: page.flatMap(([name, object]) => (object === undefined ? name : [])),
    next: more ? page.at(-1)?.[0] : undefined,
  }
}

/** The prefix that stands for a key. */
function rolledUp(key: string, { prefix, delimiter }: ListQuery): string | undefined {
  const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
  return cut === -1 ? undefined : key.slice(0, cut + delimiter.length)
}

/** One damaged object must not take the whole list with it. */
function listed(header: ObjectHeader): ListedObject | undefined {
  const { key, bytes } = header
  try {
    const { etag, modified } = attributesOf(header)
    return { key, bytes, etag, modified }
  } catch {
    return undefined
  }
}

/** JavaScript's own order is that of UTF-16. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
