import { join } from 'node:path'
import { DiskFolders } from './disk-folders.ts'
import { MemoryFolders } from './memory-folders.ts'
import type { StorageFolders } from './storage-folders.ts'

/** Where buckets and unfinished multipart uploads are kept. */
export interface S3Storage {
  /** A folder each, of its objects by their keys. */
  readonly buckets: StorageFolders
  /** A folder each, of its parts by their numbers. */
  readonly uploads: StorageFolders
}

/** Beside the objects of the same folder that have no bucket. */
export async function diskS3Storage(folder: string): Promise<S3Storage> {
  return {
    buckets: await DiskFolders.in(join(folder, 's3', 'buckets')),
    uploads: await DiskFolders.in(join(folder, 's3', 'uploads')),
  }
}

export function memoryS3Storage(): S3Storage {
  return { buckets: new MemoryFolders(), uploads: new MemoryFolders() }
}
