import { Content } from '../../flood/load/content.ts'
import { download, exchange, type Peer, upload } from '../../flood/load/exchange.ts'
import type { Outcome } from '../../flood/load/outcome.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import type { RequestKind } from '../rows.ts'
import { gzipOf, jsonOf } from './bodies.ts'

/** One request of a kind, of the object of that number. */
export function send(peer: Peer, kind: RequestKind, object: number, bytes: number): Promise<Outcome> {
  const content = new Content(object, bytes)
  switch (kind) {
    case 'upload':
      return upload(peer, objectStoreRoutes.upload, `uploaded-${object}`, content)
    case 'download':
      return download(peer, `/objects/stored-${object}`, content)
    case 'chunked':
      return post(peer, '/buffer', content.slices(), { 'content-type': 'application/octet-stream' }, bytes)
    case 'json':
      return postWhole(peer, '/json', jsonOf(bytes), { 'content-type': 'application/json' }, bytes)
    case 'gzip':
      return postWhole(
        peer,
        '/buffer',
        gzipOf(bytes),
        { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
        bytes,
      )
    case 'fan-out':
      return exchange(peer, { method: 'GET', path: '/fan-out', bytes })
  }
}

type Headers = Readonly<Record<string, string | number>>

function postWhole(
  peer: Peer,
  path: string,
  body: Buffer,
  headers: Headers,
  bytes: number,
): Promise<Outcome> {
  return post(peer, path, [body], { ...headers, 'content-length': body.length }, bytes)
}

/** @param bytes as which it counts */
function post(
  peer: Peer,
  path: string,
  pieces: Iterable<Buffer>,
  headers: Headers,
  bytes: number,
): Promise<Outcome> {
  return exchange(peer, { method: 'POST', path, headers: { ...headers }, bytes, pieces: () => pieces })
}
