import type { Framework } from './servers.ts'

const MiB = 2 ** 20

/** So many requests of one kind, so many of them at once. */
export interface Wave {
  readonly requests: number
  readonly concurrency: number
  readonly bytes: number
  /** Distinct objects written or read: few, so that neither a disk nor a memory store fills up. */
  readonly objects: number
}

export interface Scenario {
  readonly name: string
  readonly title: { readonly name: string; readonly load: string }
  /** The one it is made for; else the object store is flooded, on any of them. */
  readonly framework?: Framework
  readonly uploads?: Wave
  readonly downloads?: Wave
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'uploads',
    title: { name: 'Uploads', load: '16 MiB each, 128 at once, 256 in all' },
    uploads: { requests: 256, concurrency: 128, bytes: 16 * MiB, objects: 16 },
  },
  {
    name: 'downloads',
    title: { name: 'Downloads', load: '32 MiB each, 90 at once, 180 in all' },
    // Four encrypted frames of 8 MiB each.
    downloads: { requests: 180, concurrency: 90, bytes: 32 * MiB, objects: 4 },
  },
  {
    name: 'mixed',
    title: { name: 'Both', load: '64 uploads and 45 downloads at once, 218 in all' },
    uploads: { requests: 128, concurrency: 64, bytes: 16 * MiB, objects: 16 },
    downloads: { requests: 90, concurrency: 45, bytes: 32 * MiB, objects: 4 },
  },
  {
    name: 'parts',
    title: { name: 'Parts', load: '192 parts of 8 MiB and 60 downloads at once' },
    uploads: { requests: 384, concurrency: 192, bytes: 8 * MiB, objects: 16 },
    downloads: { requests: 120, concurrency: 60, bytes: 32 * MiB, objects: 4 },
  },
  {
    name: 'images',
    framework: 'express',
    title: { name: 'Multer to memory', load: '16 MiB each, 128 at once, 256 in all' },
    uploads: { requests: 256, concurrency: 128, bytes: 16 * MiB, objects: 16 },
  },
  {
    name: 'files',
    framework: 'express',
    title: { name: 'Multer to disk', load: '2 MiB each, 1,000 at once and in all' },
    uploads: { requests: 1_000, concurrency: 1_000, bytes: 2 * MiB, objects: 16 },
  },
  {
    name: 'proxied',
    framework: 'koa',
    title: { name: 'A proxied stream', load: '4 MiB each, 1,000 at once and in all' },
    downloads: { requests: 1_000, concurrency: 1_000, bytes: 4 * MiB, objects: 4 },
  },
]

export function totalRequests({ uploads, downloads }: Scenario): number {
  return (uploads?.requests ?? 0) + (downloads?.requests ?? 0)
}
