import { named } from '../named.ts'

/** What is asked for, of each server. */
export interface Route {
  readonly name: string
  readonly title: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly type?: string
  readonly body?: string | Buffer
}

const KiB = 2 ** 10
/** Of a download, in pieces as a file would be read. */
export const PIECE = Buffer.alloc(64 * KiB, 'x')
export const PIECES = 16

export const routes: readonly Route[] = [
  { name: 'hello', title: 'GET hello', method: 'GET', path: '/' },
  {
    name: 'json',
    title: 'POST JSON, 1 KiB',
    method: 'POST',
    path: '/',
    type: 'application/json',
    body: JSON.stringify({ text: 'x'.repeat(KiB - '{"text":""}'.length) }),
  },
  {
    name: 'upload',
    title: 'POST 64 KiB, read whole',
    method: 'POST',
    path: '/upload',
    type: 'application/octet-stream',
    body: Buffer.alloc(64 * KiB, 'x'),
  },
  { name: 'download', title: 'GET 1 MiB, streamed', method: 'GET', path: '/download' },
]

/** @throws where there is none of this name */
export function routeNamed(name: string): Route {
  return named('--route', name, routes)
}
