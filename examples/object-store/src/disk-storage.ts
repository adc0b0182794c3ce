import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { openDiskObject } from './disk-object.ts'
import { createDiskUpload, TEMPORARY_SUFFIX } from './disk-upload.ts'
import type { ObjectHeader } from './object-header.ts'
import type { Storage, StoredObject, Upload } from './storage.ts'

const OBJECT_FILE = /^[0-9a-f]{64}$/

/** One file an object: header, then each frame's ciphertext and tag. One process a folder. */
export class DiskStorage implements Storage {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Makes the folder where there is none, and clears away what a crash left half-written. */
  static async in(folder: string): Promise<DiskStorage> {
    await mkdir(folder, { recursive: true })
    for (const name of await readdir(folder)) {
      if (name.endsWith(TEMPORARY_SUFFIX)) await rm(join(folder, name))
    }
    return new DiskStorage(folder)
  }

  /** In a folder that is there. Others may be writing to it, so nothing is cleared away. */
  static at(folder: string): DiskStorage {
    return new DiskStorage(folder)
  }

  create(header: ObjectHeader): Promise<Upload> {
    return createDiskUpload(this.#path(header.key), header)
  }

  async open(key: string): Promise<StoredObject | undefined> {
    const handle = await open(this.#path(key)).catch(undefinedIfMissing)
    return handle && openDiskObject(handle)
  }

  async *list(): AsyncGenerator<ObjectHeader> {
    for (const name of await readdir(this.#folder)) {
      if (!OBJECT_FILE.test(name)) continue
      // Deleted since readdir, or damaged: one bad object must not take the whole list with it.
      const object = await open(join(this.#folder, name))
        .then(openDiskObject)
        .catch(() => undefined)
      if (!object) continue
      await object.close()
      yield object.header
    }
  }

  async delete(key: string): Promise<boolean> {
    const deleted = await unlink(this.#path(key)).then(() => true, undefinedIfMissing)
    return deleted ?? false
  }

  // A hash and not the key itself: no key leaves the folder, is too long for a file system, or meets
  // another that differs only by case. The header tells whose file it is.
  #path(key: string): string {
    return join(this.#folder, createHash('sha256').update(key).digest('hex'))
  }
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
