import { randomUUID } from 'node:crypto'
import { access, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SealedFrame } from './frame-layout.ts'
import type { ObjectHeader } from './object-header.ts'
import type { Upload } from './storage.ts'

export const TEMPORARY_SUFFIX = '.tmp'

export async function createDiskUpload(path: string, header: ObjectHeader): Promise<Upload> {
  // In the object's own folder, hence on the same file system: only there is a rename atomic.
  const temporary = join(dirname(path), randomUUID() + TEMPORARY_SUFFIX)
  return new DiskUpload(path, temporary, await open(temporary, 'wx', 0o600), header)
}

class DiskUpload implements Upload {
  readonly #path: string
  readonly #temporary: string
  readonly #handle: FileHandle
  #header: Buffer | undefined

  constructor(path: string, temporary: string, handle: FileHandle, header: ObjectHeader) {
    this.#path = path
    this.#temporary = temporary
    this.#handle = handle
    this.#header = header.encoded
  }

  async append({ ciphertext, tag }: SealedFrame): Promise<void> {
    // With the first frame, so that a full disk is met where the caller discards.
    if (this.#header) await this.#handle.writeFile(this.#header)
    this.#header = undefined
    // A single write() may stop short; on a handle, writeFile() goes on from where the last one ended.
    await this.#handle.writeFile(ciphertext)
    await this.#handle.writeFile(tag)
  }

  async commit(): Promise<boolean> {
    await this.#handle.close()
    const created = await access(this.#path).then(
      () => false,
      () => true,
    )
    await rename(this.#temporary, this.#path)
    return created
  }

  async discard(): Promise<void> {
    await this.#handle.close()
    await rm(this.#temporary, { force: true })
  }
}
