import type { IncomingMessage } from 'node:http'

/** Query parameters that choose no operation: signatures, and what only shapes a list. */
const PASSIVE =
  /^(x-id|x-amz-.*|AWSAccessKeyId|Signature|Expires|response-.*|prefix|delimiter|max-keys|marker|start-after|continuation-token|encoding-type|fetch-owner|part-number-marker|max-parts)$/i

/** Of a request that names none. */
export const PLAIN = 'plain'

/**
 * A route constraint for Fastify, so that each operation of S3 is a route with a policy of its own.
 * S3 tells most of them apart by the names in the query: `PUT /b/k` puts an object, `PUT /b/k?acl` an access
 * list, and a server that overlooks the difference overwrites the object with the list.
 */
export const subResource = {
  name: 'subResource',
  storage: () => {
    const handlers = new Map<unknown, never>()
    return {
      get: (value: unknown) => handlers.get(value) ?? null,
      set: (value: unknown, handler: never) => void handlers.set(value, handler),
    }
  },
  deriveConstraint: (req: Pick<IncomingMessage, 'url' | 'headers'>): string => {
    const { url = '', headers } = req
    const names = new Set<string>()
    const query = url.indexOf('?')
    if (query !== -1) {
      for (const name of new URLSearchParams(url.slice(query)).keys())
        if (!PASSIVE.test(name)) names.add(name)
    }
    // A copy is told by a header alone.
    if (headers['x-amz-copy-source'] !== undefined) names.add('copy')
    return names.size === 0 ? PLAIN : [...names].sort().join('&')
  },
  // What no operation asks for falls to the route that answers NotImplemented.
  mustMatchWhenDerived: false,
}
