import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DiskStorage } from '../disk-storage.ts'
import type { Storage } from '../storage.ts'
import type { StorageFolders } from './storage-folders.ts'

/** No path leads out by such a name, and none meets what is being removed, which begins with a dot. */
const NAME = /^[a-z0-9][a-z0-9.-]*$/

/** Folders of a folder. Nothing of them is kept in memory. */
export class DiskFolders implements StorageFolders {
  readonly #root: string

  private constructor(root: string) {
    this.#root = root
  }

  /** Makes the folder where there is none, and clears away what a crash left half-written or half-removed. */
  static async in(root: string): Promise<DiskFolders> {
    await mkdir(root, { recursive: true })
    for (const name of await readdir(root)) {
      if (NAME.test(name)) await DiskStorage.in(join(root, name))
      else await rm(join(root, name), { recursive: true })
    }
    return new DiskFolders(root)
  }

  create(name: string): Promise<boolean> {
    return done(mkdir(this.#path(name)), 'EEXIST')
  }

  async open(name: string): Promise<Storage | undefined> {
    const path = this.#path(name)
    return (await done(stat(path), 'ENOENT')) ? DiskStorage.at(path) : undefined
  }

  async list(): Promise<{ name: string; created: Date }[]> {
    const folders: { name: string; created: Date }[] = []
    for (const name of await readdir(this.#root)) {
      if (!NAME.test(name)) continue
      // Removed since readdir, perhaps.
      const found = await stat(this.#path(name)).catch(() => undefined)
      if (found) folders.push({ name, created: found.birthtime })
    }
    return folders
  }

  async removeEmpty(name: string): Promise<boolean> {
    return done(
      rmdir(this.#path(name)).catch(error => {
        if (error.code !== 'ENOENT') throw error
      }),
      'ENOTEMPTY',
    )
  }

  async removeAll(name: string): Promise<void> {
    // Out of everybody's reach at once: a file that is added while a tree is removed would stop that.
    const removed = join(this.#root, `.${randomUUID()}`)
    if (await done(rename(this.#path(name), removed), 'ENOENT')) await rm(removed, { recursive: true })
  }

  #path(name: string): string {
    if (!NAME.test(name))
      throw new TypeError('A folder name must be lower-case letters, digits, dots and hyphens')
    return join(this.#root, name)
  }
}

/** @returns false where `work` fails with `code` */
async function done(work: Promise<unknown>, code: string): Promise<boolean> {
  return work.then(
    () => true,
    error => {
      if (error.code !== code) throw error
      return false
    },
  )
}
